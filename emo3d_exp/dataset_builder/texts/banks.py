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


def _described(row: dict[str, str]) -> DescribedText:
    text, style = row["text"].strip(), row["style"]
    if style not in STYLES:
        raise ValueError(f"style '{style}' is none of {', '.join(STYLES)}")
    if not text:
        raise ValueError("no text")
    age, gender = detect(text, first_person=style.endswith("_first"))
    return DescribedText(text, style, parse_emotions(row["emotions"]), age, gender)


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
