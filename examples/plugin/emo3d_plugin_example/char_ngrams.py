"""Texts as counts of letter sequences."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

from emo3d_exp.backbones import Encoder
from emo3d_exp.backbones.encoder import checked_name, fingerprint_of, require_texts
from emo3d_exp.errors import ConfigError

VERSION = 1
"""Raise it when the same settings start to give other embeddings: the cache follows the fingerprint."""


class CharNGrams(Encoder):
    """Letter sequences of every word, hashed into buckets with a sign, ``1 + log`` of their counts, length 1.

    It knows spelling and no meaning: "smile" is near "smiling", and not near "grin".

    Args:
        name: in messages and folder names.
        dimensions: width D of the embeddings.
        shortest, longest: letters of a sequence, a space before and behind each word counted.

    Raises:
        ConfigError: a number is below 1, or ``longest`` below ``shortest``.
    """

    modalities = frozenset({"text"})

    def __init__(self, name: str, dimensions: int, shortest: int, longest: int) -> None:
        if dimensions < 1 or not 1 <= shortest <= longest:
            raise ConfigError(
                f"backbone.dimensions={dimensions} must be at least 1, and backbone.shortest={shortest} "
                f"from 1 to backbone.longest={longest}"
            )
        self.name, self.dim = checked_name(name), dimensions
        self.lengths = range(shortest, longest + 1)
        settings = {"version": VERSION, "dimensions": dimensions, "lengths": [shortest, longest]}
        self.fingerprint = fingerprint_of(self.name, settings)

    def check(self) -> None:
        """Nothing can be missing: there are no weights."""

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts: (N, D) float32, of length 1, or 0 where a text has no letters."""
        require_texts(texts)
        found = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(found, texts, strict=True):
            for piece, count in sorted(Counter(self._pieces(text)).items()):
                hashed = crc32(piece.encode())
                row[(hashed >> 1) % self.dim] += (1 + np.log(count)) * (1 if hashed & 1 else -1)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    def _pieces(self, text: str) -> Iterator[str]:
        for word in unicodedata.normalize("NFKC", text).casefold().split():
            word = f" {word} "
            for length in self.lengths:
                for start in range(len(word) - length + 1):
                    yield word[start : start + length]
