"""An encoder whose vectors can be computed by hand, which counts what it was asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np

from emo3d_exp.backbones import Encoder


def vector(content: bytes, dim: int) -> np.ndarray:
    """The (dim,) float32 vector of some bytes."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


class CountingEncoder(Encoder):
    """Texts and images → vectors of their bytes. ``dies_after`` calls, the process ends at once."""

    modalities = frozenset({"text", "image"})

    def __init__(self, dim: int = 6, fingerprint: str = "fake-1", dies_after: int | None = None) -> None:
        self.name, self.dim, self.fingerprint, self.dies_after = "fake", dim, fingerprint, dies_after
        self.texts: list[str] = []
        self.images = 0
        self.calls = 0

    def check(self) -> None:
        """Nothing is needed."""

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, dim)."""
        if self.calls == self.dies_after:
            os._exit(9)
        self.calls += 1
        self.texts.extend(texts)
        return np.stack([vector(text.encode(), self.dim) for text in texts])

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(N, dim)."""
        self.calls += 1
        self.images += len(images)
        return np.stack([vector(image.tobytes(), self.dim) for image in images])
