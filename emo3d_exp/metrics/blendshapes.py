"""How far predicted blendshapes are from true ones, sample by sample, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.metrics.arrays import as_float64
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, REGIONS

MOVING = np.arange(len(BLENDSHAPES)) != BLENDSHAPE_INDEX["_neutral"]


def blendshape_errors(predicted: Any, target: Any) -> dict[str, np.ndarray]:
    """Errors of every sample's blendshapes.

    Args:
        predicted, target: (N, 52) in [0, 1].

    Returns:
        (N,) each: ``mse`` over all 52, as the paper reports it; ``mse_51`` over the 51 that move a face
        (``_neutral`` is always about 0, so it makes the first one look better by 1/52); ``mae``, the mean
        absolute error over the 51; ``mse_brow``, ``mse_cheek``, ``mse_eye``, ``mse_jaw``, ``mse_mouth``,
        ``mse_nose`` over the shapes of a region; and ``correlation``, Pearson's over the 51, in [-1, 1], NaN
        where one of the two faces has 51 equal numbers (the neutral face).

    Raises:
        ValueError: shapes do not fit, or a number is not finite.
    """
    predicted, target = _checked(predicted, "predicted"), _checked(target, "target")
    if len(predicted) != len(target):
        raise ValueError(f"{len(predicted)} predicted faces but {len(target)} true ones")
    squares = (predicted - target) ** 2
    regions = {f"mse_{name}": squares[:, list(rows)].mean(axis=1) for name, rows in REGIONS.items()}
    return {
        "mse": squares.mean(axis=1),
        "mse_51": squares[:, MOVING].mean(axis=1),
        "mae": np.abs(predicted - target)[:, MOVING].mean(axis=1),
        **regions,
        "correlation": _correlation(predicted[:, MOVING], target[:, MOVING]),
    }


def best_of_references(predicted: Any, references: Any) -> np.ndarray:
    """Mean squared error to the nearest of a sample's true faces: a text has up to four in the data set.

    Args:
        predicted: (N, 52). references: (N, R, 52), rows of NaN where a sample has fewer than R faces.

    Returns:
        (N,) float64.

    Raises:
        ValueError: shapes do not fit, or a sample has no face.
    """
    predicted, references = _checked(predicted, "predicted"), as_float64(references)
    if (
        references.ndim != 3
        or references.shape[0] != len(predicted)
        or references.shape[2] != len(BLENDSHAPES)
    ):
        raise ValueError(f"references: expected ({len(predicted)}, R, 52), got {references.shape}")
    errors = np.square(references - predicted[:, None]).mean(axis=2)
    without = np.flatnonzero(~np.isfinite(errors).any(axis=1))
    if len(without):
        raise ValueError(f"references: samples {without[:5].tolist()} have no face")
    return np.nanmin(errors, axis=1)


def _checked(faces: Any, name: str) -> np.ndarray:
    faces = as_float64(faces)
    if faces.ndim != 2 or faces.shape[1] != len(BLENDSHAPES):
        raise ValueError(f"{name}: expected (N, {len(BLENDSHAPES)}), got {faces.shape}")
    bad = np.flatnonzero(~np.isfinite(faces).all(axis=1))
    if len(bad):
        raise ValueError(f"{name}: rows {bad[:5].tolist()} hold numbers that are not finite")
    return faces


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    flat = lengths < 1e-12
    return np.where(flat, np.nan, (one * other).sum(axis=1) / np.where(flat, 1.0, lengths).clip(1e-300))
