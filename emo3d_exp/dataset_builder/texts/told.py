"""Hand-written sentences told with the reaction that they call forth.

"When my bicycle was stolen for the second time this year. My lips pressed thin, my jaw clenched: I was
furious." A bare situation leaves open what its people feel; most descriptions of a face, and the paper's,
do not. So a small share of the sentences stands as it was written, and the others go on with words for the
feeling and phrases for the face, taken from their own emotion and degree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.dataset_builder.texts.described import DescribedText
from emo3d_exp.dataset_builder.texts.people import Person
from emo3d_exp.dataset_builder.texts.phrasebook import REGIONS, Part, Phrasebook, phrasebook
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

BARE = {"situation": 0.1, "state": 0.25}
"""Share of the sentences that stay as they were written."""
LEVEL_BOUNDS = (0.5, 0.8)
SECOND_SHARE = 0.7
"""A second emotion of at least this share of the first is told too."""
FIRST = (
    "{t} I was {adjective}, {own}.",
    "{t} {Own}: I was {adjective}.",
    "{t} I felt {noun}, {own}.",
    "{t} You could read {noun} in my face, {own}.",
    "{t} {Own}, I was {adjective}.",
    "{t} I was {adjective} and felt {noun}.",
)
THIRD = (
    "{t} {They} {they_look} {adjective}, {own}.",
    "{t} {Own}: {they} {they_look} {adjective}.",
    "{t} There is {noun} in {their} face, {own}.",
    "{t} {Own}, {they} {they_look} {adjective}.",
    "{t} {They} {they_are} {adjective}, with {noun} in {their} face.",
)


NAMED = 0.6
"""Share of the retold sentences that also say who speaks or is seen."""
SPEAKERS = (
    '{Person} says: "{text}"',
    '{Person} remembers: "{text}"',
    '{Person} writes: "{text}"',
    '{Person} tells a friend: "{text}"',
    'In the words of {person}: "{text}"',
)
PICTURES = (
    "{t} The picture shows {person}, {adjective}, {own}.",
    "{t} One sees {person}, {adjective}, {own}.",
    "{t} It is {person}, {adjective}, with {noun} in {their} face.",
)


@dataclass(frozen=True)
class Speaker:
    """The one who says "I", where a phrase needs a person."""

    phrase: str = "I"
    gender: str | None = None
    subject: str = "I"
    possessive: str = "my"
    reflexive: str = "myself"


def told(text: DescribedText, rng: np.random.Generator) -> DescribedText:
    """The sentence as it stands, or with its reaction. The emotions stay; age and gender become those of the
    person who is named, and otherwise stay too.
    """
    kind, _, person = text.style.partition("_")
    if rng.random() < BARE[kind]:
        return text
    named = _someone(text, rng) if rng.random() < NAMED else None
    retold = _first(text, named, rng) if person == "first" else _third(text, named, rng)
    age, gender = (named.age, named.gender) if named else (text.age, text.gender)
    return DescribedText(retold, f"told_{person}", text.emotions, age, gender)


def _someone(text: DescribedText, rng: np.random.Generator) -> Person | None:
    """A person with age and gender that agree with what the sentence says; None where there is none.

    Sentences that do not speak of a child are grown people's.
    """
    known = [
        p for p in phrasebook().persons if p.age and p.gender and (p.age != "child" or text.age == "child")
    ]
    fitting = [p for p in known if text.gender in (None, p.gender) and text.age in (None, p.age)]
    return fitting[int(rng.integers(len(fitting)))] if fitting else None


def _first(text: DescribedText, named: Person | None, rng: np.random.Generator) -> str:
    retold = _with_reaction(text, FIRST, Speaker(), rng)
    if named is None:
        return retold
    frame = SPEAKERS[int(rng.integers(len(SPEAKERS)))]
    return frame.format(text=retold, person=named.phrase, Person=_capital(named.phrase))


def _third(text: DescribedText, named: Person | None, rng: np.random.Generator) -> str:
    if named is None:
        return _with_reaction(text, THIRD, Person("", text.age, text.gender), rng)
    return _with_reaction(text, PICTURES, named, rng)


def _with_reaction(
    text: DescribedText, patterns: tuple[str, ...], who: Person | Speaker, rng: np.random.Generator
) -> str:
    pattern = patterns[int(rng.integers(len(patterns)))]
    words = _reaction(phrasebook(), text.emotions, who, rng)
    sentence = text.text if text.text.endswith((".", "!", "?", "…")) else f"{text.text}."
    return pattern.format(t=sentence, person=who.phrase, **words)


def _reaction(
    book: Phrasebook, emotions: np.ndarray, who: Person | Speaker, rng: np.random.Generator
) -> dict[str, str]:
    strongest = [int(i) for i in np.argsort(-emotions, kind="stable")[:2]]
    feelings = [i for i in strongest if emotions[i] >= SECOND_SHARE * emotions[strongest[0]]]
    told_of = [(EMOTIONS[i], _level(float(emotions[i]), EMOTIONS[i])) for i in feelings]
    regions = [REGIONS[i] for i in sorted(rng.permutation(len(REGIONS))[:2])]
    parts = [_part(book, told_of[min(n, len(told_of) - 1)], region, rng) for n, region in enumerate(regions)]
    words = {
        kind: " and ".join(_gist(book, feeling, kind, who, rng) for feeling in told_of)
        for kind in ("noun", "adjective")
    }
    plural = who.subject == "they"
    words |= {
        "own": " and ".join(part.own(who) for part in parts),
        "they": who.subject,
        "their": who.possessive,
        "they_are": "are" if plural else "is",
        "they_look": "look" if plural else "looks",
    }
    return words | {name.capitalize(): _capital(value) for name, value in words.items()}


def _level(intensity: float, emotion: str) -> int:
    if EMOTION_INDEX[emotion] == EMOTION_INDEX["neutral"]:
        return 1
    return 1 + sum(intensity >= bound for bound in LEVEL_BOUNDS)


def _part(book: Phrasebook, feeling: tuple[str, int], region: str, rng: np.random.Generator) -> Part:
    choices = [part for part in book.parts[feeling] if part.region == region] or list(book.parts[feeling])
    return choices[int(rng.integers(len(choices)))]


def _gist(
    book: Phrasebook, feeling: tuple[str, int], kind: str, who: Person | Speaker, rng: np.random.Generator
) -> str:
    choices = book.gists[(*feeling, kind)]
    gist = choices[int(rng.integers(len(choices)))]
    return gist.replace("{p}", who.possessive).replace("{r}", who.reflexive)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
