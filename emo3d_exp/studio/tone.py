"""Colours that the browser's tone mapping turns into the ones that are meant."""

from __future__ import annotations

import numpy as np

INTO = np.array([[0.59719, 0.35458, 0.04823], [0.07600, 0.90834, 0.01566], [0.02840, 0.13383, 0.83777]])
BACK = np.array([[1.60475, -0.53108, -0.07367], [-0.10208, 1.10813, -0.00605], [-0.00327, -0.07276, 1.07602]])
EXPOSURE = 1 / 0.6
BRIGHTEST = 0.985
"""The curve ends a little above 1, where its inverse would be enormous."""

INTO_INVERSE, BACK_INVERSE = np.linalg.inv(INTO), np.linalg.inv(BACK)


def tone_mapped(linear: np.ndarray) -> np.ndarray:
    """What three.js shows for ``(V, 3)`` linear colours: Stephen Hill's fit of the ACES film curve."""
    v = np.asarray(linear, np.float64) * EXPOSURE @ INTO.T
    curve = (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081)
    return np.clip(curve @ BACK.T, 0.0, 1.0)


def before_tone_mapping(linear: np.ndarray) -> np.ndarray:
    """``(V, 3)`` float32 colours, not negative, that :func:`tone_mapped` turns into ``linear`` in [0, 1].

    The positive root of the quadratic equation that the curve is; colours above :data:`BRIGHTEST` lose a
    little.
    """
    y = np.clip(np.clip(linear, 0, BRIGHTEST).astype(np.float64) @ BACK_INVERSE.T, 0, BRIGHTEST)
    a, b, c = 1 - 0.983729 * y, 0.0245786 - 0.4329510 * y, -0.000090537 - 0.238081 * y
    v = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    return np.maximum(v @ INTO_INVERSE.T / EXPOSURE, 0).astype(np.float32)
