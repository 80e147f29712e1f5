"""How several faces for one text differ, and whether the true one is among them."""

from __future__ import annotations

from typing import Any

import numpy as np


def diversity(samples: Any) -> np.ndarray:
    """Average pairwise distance (APD) of the faces that a system gives to one text.

    Args:
        samples: (S, N, 52), S faces for each of N texts, at least 2.

    Returns:
        (N,) float64: the mean Euclidean distance over all pairs of a text's faces, 0 where they are equal.
    """
    samples = _checked(samples)
    count = len(samples)
    total = sum(np.linalg.norm(samples[i] - samples[j], axis=-1) for i in range(count) for j in range(i))
    return total / (count * (count - 1) / 2)


def energy_score(samples: Any, target: Any) -> np.ndarray:
    """Energy score of drawn faces: E‖x - y‖ - ½ E‖x - x'‖ (Gneiting and Raftery 2007, section 4.3).

    A strictly proper score: it is lowest for the true distribution of faces given the text. Faces that differ
    more than real ones do cost as much as faces that differ too little. For equal faces it is the distance.

    Args:
        samples: (S, N, 52), at least 2. target: (N, 52), the true faces.

    Returns:
        (N,) float64, the unbiased estimate.
    """
    samples = _checked(samples)
    near = np.linalg.norm(samples - np.asarray(target, dtype=np.float64), axis=-1).mean(axis=0)
    return near - 0.5 * diversity(samples)


def best_of(samples: Any, target: Any) -> np.ndarray:
    """Mean squared error of the face nearest to the true one.

    Args:
        samples: (S, N, 52), at least 2. target: (N, 52).

    Returns:
        (N,) float64.
    """
    errors = np.square(_checked(samples) - np.asarray(target, dtype=np.float64)).mean(axis=-1)
    return errors.min(axis=0)


def _checked(samples: Any) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 3 or len(samples) < 2:
        raise ValueError(f"expected (S, N, 52) with S at least 2, got {samples.shape}")
    return samples
