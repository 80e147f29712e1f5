"""Who a text is about: age and gender, as far as it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True)
class Person:
    """A noun phrase such as ``"an old woman"``, with age and gender as ``random_look`` takes them."""

    phrase: str
    age: str | None
    gender: str | None

    @property
    def subject(self) -> str:
        return {"female": "she", "male": "he", None: "they"}[self.gender]

    @property
    def possessive(self) -> str:
        return {"female": "her", "male": "his", None: "their"}[self.gender]

    @property
    def reflexive(self) -> str:
        return {"female": "herself", "male": "himself", None: "themselves"}[self.gender]


def _listed(words: str) -> list[str]:
    return words.split()


_FEMALE = _listed(
    """she her hers herself woman women lady girl girls mother mum mom mummy daughter sister aunt niece
    grandmother granny grandma wife bride widow waitress actress nun ballerina queen schoolgirl girlfriend
    stewardess saleswoman policewoman heroine goddess midwife duchess headmistress maid housewife
    female"""
)
_MALE = _listed(
    """he him his himself man men gentleman boy boys father dad daddy son brother uncle nephew grandfather
    grandpa grandad husband groom bridegroom widower waiter monk king schoolboy boyfriend salesman policeman
    fisherman guy lad bloke fireman postman headmaster male sailor"""
)
_NOT_MEN = _listed("human woman german roman norman ottoman")
_PARENTS = _listed("mother father mum dad parent grandmother grandfather")
_PRONOUNS = _listed("she her hers herself he him his himself")
_AGES = {
    "old": _listed(
        "grandmother grandfather granny grandma grandpa grandad pensioner white-haired grey-haired"
    ),
    "young": _listed("teenager adolescent student apprentice bride groom bridegroom youth recruit freshman"),
    "middle": _listed("mother father manager professor judge"),
    "child": _listed("child children boy girl baby toddler kid schoolgirl schoolboy pupil infant"),
}
_AGE_ADJECTIVES = {
    "old": _listed("old elderly aged retired"),
    "young": _listed("young teenage teenaged"),
    "middle": _listed("middle-aged"),
    "child": _listed("little small"),
}
_OTHER_PEOPLE = _listed(
    """person couple people teacher neighbour doctor nurse colleague tailor farmer baker clerk driver gardener
    shopkeeper sailor soldier worker painter musician carpenter butcher bishop"""
)
_PEOPLE = {*_FEMALE, *_MALE, *_OTHER_PEOPLE, *(word for words in _AGES.values() for word in words)}
_WITHIN = 2
"""An age adjective counts where a person follows within so many words: old shoes make nobody old."""

_NO_ARTICLE = re.compile(r"(?!(?:an?|the)$)").match
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_TEN_NAMES = _listed("twenty thirty forty fifty sixty seventy eighty ninety")
_TENS = {name: 10 * number for number, name in enumerate(_TEN_NAMES, 2)}
_SMALL_NAMES = _listed(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
)
_NUMBERS = {name: number for number, name in enumerate(_SMALL_NAMES, 1)} | _TENS
_YEARS_OLD = re.compile(r"\b([a-z]+(?:-[a-z]+)?|\d{1,3})[- ]years?[- ]old\b")
_OF_YEARS = re.compile(r"\b([a-z]+) of ([a-z]+(?:-[a-z]+)?|\d{1,3})\b(?! years)")
_DECADE = re.compile(r"\bin (?:her|his|their) (?:early |mid |mid-|late )?([a-z]+)ies\b")


def detect(text: str, first_person: bool = False) -> tuple[str | None, str | None]:
    """Age (``child``, ``young``, ``middle``, ``old``) and gender (``female``, ``male``) in a text, or None.

    Whole words count, and the first that says something decides. In a first-person text other people's age
    and gender say nothing about the one who speaks.
    """
    if first_person:
        return None, None
    text = text.lower()
    words = _WORD.findall(text)
    return _age(text, words), _gender(words)


def _gender(words: list[str]) -> str | None:
    for word in words:
        for form in (word, word.split("-")[0]):
            if form in _FEMALE or form.endswith("woman"):
                return "female"
            if form in _MALE or (form.endswith("man") and form not in _NOT_MEN):
                return "male"
    return None


def _age(text: str, words: list[str]) -> str | None:
    years = _years(text)
    if years is not None:
        return "child" if years < 13 else "young" if years < 36 else "middle" if years < 60 else "old"
    for place, word in enumerate(words):
        near = list(takewhile(_NO_ARTICLE, words[place + 1 : place + 1 + _WITHIN]))
        for age in _AGES:
            if word in _AGES[age]:
                return age
            if word in _AGE_ADJECTIVES[age] and any(w in _PEOPLE and w not in _PRONOUNS for w in near):
                return age
    return None


def _years(text: str) -> int | None:
    told = [match[1] for match in _YEARS_OLD.finditer(text)]
    told += [
        match[2] for match in _OF_YEARS.finditer(text) if match[1] in _PEOPLE and match[1] not in _PARENTS
    ]
    told += [f"{match[1]}y" for match in _DECADE.finditer(text)]
    numbers = [number for number in map(_number, told) if number is not None]
    return numbers[0] if numbers else None


def _number(said: str) -> int | None:
    if said.isdigit():
        return int(said)
    tens, _, ones = said.partition("-")
    if ones:
        return _TENS[tens] + _NUMBERS[ones] if tens in _TENS and ones in _NUMBERS else None
    return _NUMBERS.get(said)
