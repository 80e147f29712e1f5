"""Descriptions of faces in the paper's manner, composed of hand-written phrases.

"Her brows are drawn together and lowered, nostrils flared, lips pressed thin: an old woman holding back
rage." What each region does, how strongly, and the words for the feeling all come from one emotion and one
degree (or two of each, in a mixture), so the emotion vector follows from the parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

import numpy as np

from emo3d_exp.dataset_builder.texts.described import DescribedText
from emo3d_exp.dataset_builder.texts.people import Person
from emo3d_exp.dataset_builder.texts.phrasebook import REGIONS, Part, Phrasebook, phrasebook
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

STYLE = "face"
DEGREES: dict[str, tuple[float, int]] = {
    "faint": (0.3, 1),
    "slight": (0.45, 1),
    "clear": (0.7, 2),
    "intense": (0.95, 3),
}
"""Intensity, and level of the phrases that show it."""
NEUTRAL_INTENSITIES = (0.7, 0.8, 0.9, 1.0)
MIXTURES = (
    ("happiness", "surprise"), ("surprise", "fear"), ("sadness", "anger"), ("anger", "disgust"),
    ("anger", "contempt"), ("contempt", "disgust"), ("sadness", "fear"), ("contempt", "happiness"),
    ("sadness", "happiness"), ("fear", "disgust"), ("surprise", "disgust"), ("fear", "anger"),
    ("surprise", "anger"), ("sadness", "disgust"), ("surprise", "contempt"), ("surprise", "sadness"),
)  # fmt: skip
"""Upper face first, lower face second."""
SHARES = {"single": 0.73, "neutral": 0.085, "mixture": 0.185}
ATTEMPTS = 40
T = TypeVar("T")


@dataclass(frozen=True)
class _Feeling:
    emotion: str
    intensity: float
    level: int


@dataclass(frozen=True)
class _Draft:
    text: str
    parts: frozenset[Part]
    person: Person
    feelings: tuple[_Feeling, ...]


def face_descriptions(count: int, rng: np.random.Generator) -> list[DescribedText]:
    """Compose ``count`` distinct descriptions.

    Two of them share more than one phrase only where the phrases run out.
    """
    book = phrasebook()
    made: dict[str, DescribedText] = {}
    taken: set[frozenset[Part]] = set()
    for feelings in _plan(count, rng):
        draft = _fresh(book, feelings, rng, made, taken)
        taken |= _couples(draft.parts)
        made[draft.text] = _described(draft)
    return list(made.values())


def _plan(count: int, rng: np.random.Generator) -> list[tuple[_Feeling, ...]]:
    """The feelings of every text: emotions, degrees and mixtures in equal shares."""
    neutral, mixed = round(SHARES["neutral"] * count), round(SHARES["mixture"] * count)
    expressive = [emotion for emotion in EMOTIONS if emotion != "neutral"]
    degrees = list(DEGREES.values())
    single = [(e, degree) for degree in degrees for e in expressive]
    plan = [(_Feeling(e, *degree),) for e, degree in islice(cycle(single), count - neutral - mixed)]
    plan += [(_Feeling("neutral", i, 1),) for i in islice(cycle(NEUTRAL_INTENSITIES), neutral)]
    for upper, lower in islice(cycle(MIXTURES), mixed):
        first, second = (degrees[i] for i in rng.integers(1, len(degrees), 2))
        plan.append((_Feeling(upper, *first), _Feeling(lower, *second)))
    return [plan[i] for i in rng.permutation(len(plan))]


def _fresh(
    book: Phrasebook,
    feelings: tuple[_Feeling, ...],
    rng: np.random.Generator,
    made: dict[str, DescribedText],
    taken: set[frozenset[Part]],
) -> _Draft:
    """A text that is new and, if a few attempts find one, has no two phrases in common with another."""
    fallback: _Draft | None = None
    for attempt in range(100 * ATTEMPTS):
        draft = _compose(book, feelings, rng)
        if draft.text in made:
            continue
        if not _couples(draft.parts) & taken:
            return draft
        fallback = fallback or draft
        if attempt >= ATTEMPTS:
            return fallback
    raise ValueError(f"{len(made)} texts are all that the phrases give for {feelings}; ask for fewer")


def _couples(parts: frozenset[Part]) -> set[frozenset[Part]]:
    listed = list(parts)
    return {frozenset((one, other)) for i, one in enumerate(listed) for other in listed[:i]} or {parts}


def _described(draft: _Draft) -> DescribedText:
    emotions = np.zeros(len(EMOTIONS), dtype=np.float32)
    for feeling in draft.feelings:
        emotions[EMOTION_INDEX[feeling.emotion]] = feeling.intensity
    # Gender is said by phrase or pronoun, if the text has any word for the person.
    person = draft.person
    told = set(draft.text.lower().replace(":", " ").replace(",", " ").replace(";", " ").split())
    age_told = person.phrase in draft.text.lower()
    gender_told = age_told or bool(told & {person.subject, person.possessive, person.reflexive})
    gender = person.gender if gender_told else None
    return DescribedText(draft.text, STYLE, emotions, person.age if age_told else None, gender)


def _compose(book: Phrasebook, feelings: tuple[_Feeling, ...], rng: np.random.Generator) -> _Draft:
    kind = "mixture" if len(feelings) == 2 else "single"
    count, pattern = _one(book.patterns[kind], rng)
    person = _one(book.persons, rng)
    parts = (
        _mixed_parts(book, feelings, count, rng)
        if kind == "mixture"
        else _parts(book, feelings[0], count, rng)
    )
    text = pattern.format_map({**_part_words(parts, person), **_words(book, feelings, person, rng)})
    if feelings[0].intensity == DEGREES["faint"][0]:
        text = _hedged(text, _one(book.hedges, rng))
    text = text[0].upper() + text[1:]
    return _Draft(text, frozenset(parts), person, feelings)


def _one(choices: tuple[T, ...], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def _hedged(text: str, hedge: str) -> str:
    return f"{text.removesuffix('.')}{hedge}."


def _parts(book: Phrasebook, feeling: _Feeling, count: int, rng: np.random.Generator) -> list[Part]:
    """One phrase of each of ``count`` regions, mostly from the brows down."""
    regions = [REGIONS[i] for i in sorted(rng.permutation(len(REGIONS))[:count])]
    if rng.random() < 0.3:
        regions = [regions[i] for i in rng.permutation(count)]
    return [_part(book, feeling, region, rng) for region in regions]


def _mixed_parts(
    book: Phrasebook, feelings: tuple[_Feeling, ...], count: int, rng: np.random.Generator
) -> list[Part]:
    upper, lower = feelings
    parts = [_part(book, upper, region, rng) for region in rng.permutation(["brows", "eyes"])[: count - 1]]
    return [*parts, _part(book, lower, "mouth", rng)]


def _part(book: Phrasebook, feeling: _Feeling, region: str, rng: np.random.Generator) -> Part:
    return _one(tuple(p for p in book.parts[feeling.emotion, feeling.level] if p.region == region), rng)


def _part_words(parts: list[Part], person: Person) -> dict[str, str]:
    clauses = [part.clause(person) for part in parts]
    bare, own = [part.bare() for part in parts], [part.own(person) for part in parts]
    words = {
        "clause_list": _listed(clauses),
        "clause_first": _listed(clauses[:-1] or clauses),
        "clause_last": clauses[-1],
        "bare_list": _listed(bare),
        "own_list": _listed(own),
        "lead": ", ".join([clauses[0], *bare[1:]]),
        "sentences": " ".join(f"{_capital(clause)}." for clause in clauses),
    }
    return words | {_capital(name): _capital(value) for name, value in words.items()}


def _words(
    book: Phrasebook, feelings: tuple[_Feeling, ...], person: Person, rng: np.random.Generator
) -> dict[str, str]:
    words = {
        "person": person.phrase,
        "they": person.subject,
        "their": person.possessive,
        "they_are": "are" if person.gender is None else "is",
        "they_look": "look" if person.gender is None else "looks",
    }
    for prefix, feeling in zip(("", "other_"), feelings, strict=False):
        for kind in ("doing", "noun", "adjective"):
            gist = _one(book.gists[feeling.emotion, feeling.level, kind], rng)
            words[prefix + kind] = gist.replace("{p}", person.possessive).replace("{r}", person.reflexive)
    return words | {_capital(name): _capital(value) for name, value in words.items()}


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _listed(items: list[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]
