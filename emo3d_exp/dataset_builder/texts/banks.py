"""Hand-written sentences with their emotions, ``banks/*.tsv``."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from emo3d_exp.dataset_builder.texts.described import DescribedText
from emo3d_exp.dataset_builder.texts.people import detect
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

FOLDER = Path(__file__).parent / "banks"
STYLES = ("situation_first", "situation_third", "state_first", "state_third")


def bank_texts(folder: Path = FOLDER) -> list[DescribedText]:
    """Every sentence, in the order of the files' names and lines; a sentence told twice is kept once.

    Raises:
        DataError: a line with another style, emotion or value, with its file and number.
    """
    texts: dict[str, DescribedText] = {}
    for file in sorted(folder.glob("*.tsv")):
        with open(file, encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
                try:
                    described = _described(row)
                except (KeyError, TypeError, ValueError) as error:
                    raise DataError(f"{file.name}, line {number}: {error}") from error
                texts.setdefault(described.text, described)
    return list(texts.values())


STRETCH, MIDDLE, LEAST = 1.5, 0.65, 0.2
"""Those who wrote the sentences kept to the middle of the scale; the data set is to use the whole of it."""


def stretched(emotions: np.ndarray) -> np.ndarray:
    """(8,) intensities spread around the middle, in [0.2, 1]; what is 0 stays 0."""
    spread = (MIDDLE + STRETCH * (emotions - MIDDLE)).clip(LEAST, 1.0)
    return np.where(emotions > 0, spread, 0.0).astype(np.float32)


def _described(row: dict[str, str]) -> DescribedText:
    text, style = row["text"].strip(), row["style"]
    if style not in STYLES:
        raise ValueError(f"style '{style}' is none of {', '.join(STYLES)}")
    if not text:
        raise ValueError("no text")
    age, gender = detect(text, first_person=style.endswith("_first"))
    return DescribedText(text, style, stretched(parse_emotions(row["emotions"])), age, gender)


def parse_emotions(cell: str) -> np.ndarray:
    """``"fear=.8 sadness=.2"`` → (8,) float32. Raises ValueError for anything else."""
    emotions = np.zeros(len(EMOTIONS), dtype=np.float32)
    for entry in cell.split():
        name, _, value = entry.partition("=")
        if name not in EMOTION_INDEX or not 0 < float(value) <= 1:
            raise ValueError(f"'{entry}' is no emotion=value with a value in (0, 1]")
        emotions[EMOTION_INDEX[name]] = float(value)
    if not emotions.any():
        raise ValueError("no emotion")
    return emotions
