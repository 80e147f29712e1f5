"""The two bump functions that all shapes and masks of the head are made of."""

from __future__ import annotations

import numpy as np


def ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step: 0 below ``low``, 1 above ``high``, with flat ends."""
    t = np.clip((np.asarray(x, dtype=float) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bell(x: np.ndarray, width: float) -> np.ndarray:
    """Gaussian of height 1 and standard deviation ``width``."""
    return np.exp(-0.5 * (np.asarray(x, dtype=float) / width) ** 2)


def blob(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Gaussian spot of height 1 that has fallen to 1/e at the ellipse with these radii."""
    return np.exp(-(((x - centre[0]) / radii[0]) ** 2) - ((y - centre[1]) / radii[1]) ** 2)
