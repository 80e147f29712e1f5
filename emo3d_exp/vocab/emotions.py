"""The eight emotions of Emo3D, in the order of the published table's columns.

The table holds *intensities* in [0, 1], which need not sum to 1. A *distribution* is the intensity
vector divided by its sum; the Emo3D metric compares distributions.
"""

from __future__ import annotations

import numpy as np

EMOTIONS: tuple[str, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)

EMOTION_INDEX: dict[str, int] = {name: index for index, name in enumerate(EMOTIONS)}


def to_distribution(intensities: np.ndarray) -> np.ndarray:
    """Normalise emotion intensities to distributions.

    Args:
        intensities: ``(..., 8)``, non-negative.

    Returns:
        float64 array of the same shape; the last axis sums to 1.

    Raises:
        ValueError: a vector has a negative or non-finite entry, or only zeros (no distribution).
    """
    values = np.asarray(intensities, dtype=np.float64)
    if values.shape[-1:] != (len(EMOTIONS),):
        raise ValueError(f"expected (..., {len(EMOTIONS)}) emotion intensities, got {values.shape}")
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("emotion intensities must be finite and not negative")
    total = values.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        rows = np.flatnonzero((total == 0).reshape(-1))[:5].tolist()
        raise ValueError(f"emotion intensities are all zero, which is no distribution (rows {rows})")
    return values / total


def dominant(intensities: np.ndarray) -> np.ndarray:
    """Index of the strongest emotion, ``(..., 8)`` → ``(...)`` int64; the first one on a tie."""
    return np.asarray(intensities).argmax(axis=-1)
