"""Hand-written sentences told with the reaction that they call forth.

"When my bicycle was stolen for the second time this year. My lips pressed thin, my jaw clenched: I was
furious." A bare situation leaves open what its people feel; most descriptions of a face, and the paper's,
do not. So a small share of the sentences stands as it was written, and the others go on with words for the
feeling and phrases for the face, taken from their own emotion and degree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emo3d_exp.dataset_builder.texts.described import DescribedText
from emo3d_exp.dataset_builder.texts.people import Person
from emo3d_exp.dataset_builder.texts.phrasebook import REGIONS, Part, Phrasebook, phrasebook
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

BARE = {"situation": 0.1, "state": 0.25}
"""Share of the sentences that stay as they were written."""
LEVEL_BOUNDS = (0.5, 0.78)
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


@dataclass(frozen=True)
class Speaker:
    """The one who says "I", where a phrase needs a person."""

    phrase: str = "I"
    gender: str | None = None
    subject: str = "I"
    possessive: str = "my"
    reflexive: str = "myself"


def told(text: DescribedText, rng: np.random.Generator) -> DescribedText:
    """The sentence as it stands, or with its reaction; emotions, age and gender stay."""
    kind, _, person = text.style.partition("_")
    if rng.random() < BARE[kind]:
        return text
    book = phrasebook()
    first = person == "first"
    who: Person | Speaker = Speaker() if first else Person("", text.age, text.gender)
    patterns = FIRST if first else THIRD
    pattern = patterns[int(rng.integers(len(patterns)))]
    words = _reaction(book, text.emotions, who, rng)
    sentence = text.text if text.text.endswith((".", "!", "?", "…")) else f"{text.text}."
    return replace(text, text=pattern.format(t=sentence, **words), style=f"told_{person}")


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
