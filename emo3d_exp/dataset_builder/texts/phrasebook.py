"""Phrases that descriptions of faces are composed of, read from ``phrases/*.tsv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from emo3d_exp.dataset_builder.texts.people import Person
from emo3d_exp.vocab import EMOTIONS

FOLDER = Path(__file__).parent / "phrases"
REGIONS = ("brows", "eyes", "nose", "mouth")
LEVELS = (1, 2, 3)
"""Weak, clear, intense; neutral faces have the first alone."""
GIST_KINDS = ("doing", "noun", "adjective")


@dataclass(frozen=True)
class Part:
    """What one region of the face does: a subject (``{p}`` stands for her, his, their) and its complement."""

    region: str
    subject: str
    complement: str
    plural: bool

    def own(self, person: Person) -> str:
        """``"her brows drawn together"``."""
        return f"{self.subject} {self.complement}".replace("{p}", person.possessive)

    def clause(self, person: Person) -> str:
        """``"her brows are drawn together"``."""
        verb = "are" if self.plural else "is"
        return f"{self.subject} {verb} {self.complement}".replace("{p}", person.possessive)

    def bare(self) -> str:
        """``"brows drawn together"``, with no word for the person."""
        subject = self.subject.removeprefix("{p} ").replace("both {p}", "both")
        if subject.startswith("whole "):
            subject = f"the {subject}"
        return f"{subject} {self.complement}".replace("{p}", "the")


@dataclass(frozen=True)
class Phrasebook:
    """``parts[emotion, level]`` and ``gists[emotion, level, kind]``, persons, patterns by kind, hedges."""

    parts: dict[tuple[str, int], tuple[Part, ...]]
    gists: dict[tuple[str, int, str], tuple[str, ...]]
    persons: tuple[Person, ...]
    patterns: dict[str, tuple[tuple[int, str], ...]]
    hedges: tuple[str, ...]


def _rows(name: str) -> list[dict[str, str]]:
    with open(FOLDER / f"{name}.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def phrasebook() -> Phrasebook:
    """The phrases that come with the package."""
    parts: dict[tuple[str, int], list[Part]] = {}
    for emotion in EMOTIONS:
        for row in _rows(emotion):
            part = Part(row["region"], row["subject"], row["complement"], row["number"] == "p")
            parts.setdefault((emotion, int(row["degree"])), []).append(part)
    gists: dict[tuple[str, int, str], list[str]] = {}
    for row in _rows("gists"):
        gists.setdefault((row["emotion"], int(row["degree"]), row["kind"]), []).append(row["text"])
    patterns: dict[str, list[tuple[int, str]]] = {"single": [], "mixture": []}
    hedges = []
    for row in _rows("patterns"):
        if row["kind"] == "hedge":
            hedges.append(row["pattern"])
        else:
            patterns[row["kind"]].append((int(row["parts"]), row["pattern"]))
    return Phrasebook(
        parts={key: tuple(value) for key, value in parts.items()},
        gists={key: tuple(value) for key, value in gists.items()},
        persons=tuple(Person(r["phrase"], r["age"] or None, r["gender"] or None) for r in _rows("persons")),
        patterns={key: tuple(value) for key, value in patterns.items()},
        hedges=tuple(hedges),
    )
