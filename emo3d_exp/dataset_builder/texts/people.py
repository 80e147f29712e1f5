"""Who a text is about: age and gender, as far as it says."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A person as a noun phrase, and what belongs to it.

    Attributes:
        phrase: such as ``"an old woman"``; age, gender: as ``random_look`` takes them, or None.
        subject, possessive, reflexive: the pronouns.
    """

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


_FEMALE = """she her hers herself woman women lady girl girls mother mum mom mummy daughter sister aunt niece
grandmother granny grandma wife bride widow waitress actress nun ballerina queen schoolgirl girlfriend
stewardess saleswoman policewoman heroine goddess midwife duchess headmistress"""
_MALE = """he him his himself man men gentleman boy boys father dad daddy son brother uncle nephew grandfather
grandpa grandad husband groom bridegroom widower waiter monk king schoolboy boyfriend salesman policeman
fisherman guy lad bloke fireman postman headmaster"""
_OLD = """old elderly aged grandmother grandfather granny grandma grandpa grandad pensioner retired
great-grandmother great-grandfather white-haired grey-haired seventy eighty ninety"""
_CHILD = """child children boy girl baby toddler kid schoolgirl schoolboy pupil infant little"""
_YOUNG = """teenage teenager young adolescent student apprentice bride groom bridegroom youth recruit freshman
intern"""
_MIDDLE = "middle-aged forty fifty mother father manager professor"
_AGES = {"old": _OLD, "young": _YOUNG, "middle": _MIDDLE, "child": _CHILD}
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
# Old things are not old people: an age adjective counts before a word for a person.
_ADJECTIVES = frozenset(["old", "elderly", "aged", "retired", "young", "little", "teenage", "middle-aged"])
_BETWEEN = 2
_PEOPLE = frozenset(
    f"""{_FEMALE} {_MALE} child children person couple people kid baby pupil student teacher neighbour doctor
    nurse colleague tailor farmer baker clerk driver gardener shopkeeper pensioner sailor soldier worker painter
    musician professor""".split()
) - {"she", "her", "hers", "herself", "he", "him", "his", "himself"}
_YEARS = re.compile(r"\b(\d{1,3}|[a-z]+)[- ]years?[- ]old\b|\bof (\d{1,2}|[a-z]+)\b(?= [a-z]|[.,;:]|$)")
_NUMBERS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {word: 10 * i for i, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)}


def detect(text: str, first_person: bool = False) -> tuple[str | None, str | None]:
    """Age (``child``, ``young``, ``middle``, ``old``) and gender (``female``, ``male``) in a text.

    Whole words count, the first that says something decides. In a first-person text other people's age and
    gender say nothing about the one who speaks, so both are None.
    """
    if first_person:
        return None, None
    words = _WORD.findall(text.lower())
    return _age(text.lower(), words), _gender(words)


def _gender(words: list[str]) -> str | None:
    female, male = set(_FEMALE.split()), set(_MALE.split())
    for word in words:
        if word in female:
            return "female"
        if word in male:
            return "male"
    return None


def _age(text: str, words: list[str]) -> str | None:
    years = _years(text)
    if years is not None:
        return "child" if years < 13 else "young" if years < 36 else "middle" if years < 60 else "old"
    table = {word: age for age, listed in _AGES.items() for word in listed.split()}
    for place, word in enumerate(words):
        if word in _ADJECTIVES and not _PEOPLE.intersection(words[place + 1 : place + 2 + _BETWEEN]):
            continue
        if word in table:
            return table[word]
    return None


def _years(text: str) -> int | None:
    for match in _YEARS.finditer(text):
        said = match[1] or match[2]
        number = int(said) if said.isdigit() else _NUMBERS.get(said)
        follows_person = match[1] or _PEOPLE.intersection(text[: match.start()].split()[-1:])
        if number is not None and follows_person:
            return number
    return None
