"""Other texts for the same face: sides swapped, some words left out, the beginning alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_SIDES = {"left": "right", "Left": "Right", "LEFT": "RIGHT"}
_OTHER_SIDE = _SIDES | {right: left for left, right in _SIDES.items()}
_SIDE = re.compile(rf"(?<![\w-])(?:{'|'.join(_OTHER_SIDE)})(?![\w-])")
_FRAME = re.compile(r'^[^"]{0,60}: "')
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


def swapped_sides(text: str) -> str:
    """The text with its words *left* and *right* swapped, their case kept; parts of words stay.

    >>> swapped_sides("LEFT brow up, right eye bright, left-handed.")
    'RIGHT brow up, left eye bright, left-handed.'
    """
    return _SIDE.sub(lambda word: _OTHER_SIDE[word[0]], text)


def beginning(text: str) -> str | None:
    """The text without its last sentence and without a speaker's frame; None where it has one sentence only.

    >>> beginning('A young man says: "My bus left. I was furious."')
    'My bus left.'
    """
    spoken = _FRAME.sub("", text)
    sentences = _SENTENCE_END.split(spoken.removesuffix('"') if spoken != text else text)
    return " ".join(sentences[:-1]) if len(sentences) > 1 else None


class Beginnings(Sequence[str]):
    """The beginnings of some texts, each made when it is asked for; a slice is a list.

    Args:
        texts: of which each of ``rows`` (N,) has one.
    """

    def __init__(self, texts: Sequence[str], rows: np.ndarray) -> None:
        self._texts, self._rows = texts, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, slice):
            return [beginning(self._texts[row]) for row in self._rows[chosen].tolist()]
        return beginning(self._texts[int(self._rows[chosen])])


def without_some_words(text: str, share: float, rng: np.random.Generator) -> str:
    """The text, each of whose words is left out with probability ``share``; one word is left at least."""
    words = text.split()
    kept = rng.random(len(words)) >= share
    if not kept.any():
        kept[rng.integers(len(words))] = True
    return " ".join(word for word, stays in zip(words, kept, strict=True) if stays)
