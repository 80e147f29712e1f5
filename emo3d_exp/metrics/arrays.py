"""What every metric makes of its input."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_float64(values: Any) -> np.ndarray:
    """A float64 array of anything array-like; tensors are detached and brought to the CPU."""
    return np.asarray(on_cpu(values), dtype=np.float64)


def on_cpu(values: Any) -> np.ndarray:
    """An array of anything array-like, in its own precision."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def unit_rows(features: np.ndarray) -> np.ndarray:
    """(N, D) features, none of them zero, at length 1."""
    return features / np.linalg.norm(features, axis=1, keepdims=True)
