"""The nose: a ridge, and rounded forms for tip, wings and septum, joined softly to the face."""

from __future__ import annotations

from functools import cache

import numpy as np

from emo3d_exp.faces.builtin.falloff import bell, ramp

NOSTRIL = (0.088, -0.728)

_RIDGE = (
    # height, how far the ridge stands out of the face, its width
    (-0.95, 0.000, 0.12), (-0.72, 0.000, 0.12), (-0.66, 0.080, 0.12), (-0.60, 0.220, 0.125),
    (-0.52, 0.305, 0.130), (-0.42, 0.290, 0.138), (-0.30, 0.230, 0.136), (-0.16, 0.148, 0.128),
    (-0.02, 0.080, 0.118), (0.10, 0.040, 0.125), (0.25, 0.012, 0.145), (0.45, 0.000, 0.160),
)  # fmt: skip
_FORMS = (
    # x, y, z of the centre; radii in x, y, z
    (0.000, -0.540, 0.600, 0.140, 0.130, 0.180),
    (0.090, -0.615, 0.530, 0.105, 0.098, 0.140),
    (0.165, -0.655, 0.430, 0.092, 0.102, 0.145),
    (0.000, -0.668, 0.500, 0.058, 0.076, 0.120),
)
_SOFTNESS = 0.030


@cache
def _ridge():
    from scipy.interpolate import PchipInterpolator

    table = np.array(_RIDGE)
    return PchipInterpolator(table[:, 0], table[:, 1:])


def _ridge_height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = _ridge()(np.clip(y, -0.95, 0.45)).T
    return height * np.exp(-0.78 * (x / width) ** 2.2)


def _form_height(x: np.ndarray, y: np.ndarray, form: tuple[float, ...]) -> np.ndarray:
    """Front of an ellipsoid; outside its outline a slope that falls away quickly."""
    cx, cy, cz, rx, ry, rz = form
    q = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2
    return cz + rz * np.where(q < 0.96, np.sqrt(np.clip(1 - q, 0.0, None)), 0.2 - 2.5 * (q - 0.96))


def with_nose(x: np.ndarray, y: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Front z of the face with its nose; ``x`` >= 0, ``face`` is z without the nose."""
    surfaces = [face + _ridge_height(x, y)] + [_form_height(x, y, form) for form in _FORMS]
    stack = np.stack(surfaces) / _SOFTNESS
    top = stack.max(0)
    z = _SOFTNESS * (top + np.log(np.exp(np.maximum(stack - top, -50)).sum(0)))
    around_wing = np.hypot(x - 0.165, (y + 0.655) / 1.12) - 0.112
    crease = 0.012 * bell(around_wing, 0.022) * ramp(x, 0.17, 0.25) * ramp(y, -0.76, -0.68)
    return z - crease - 0.055 * nostrils(x, y)


def nostrils(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 in the nostrils, 0 outside: slanting ellipses on the underside of the nose."""
    dx, dy = x - NOSTRIL[0], y - NOSTRIL[1]
    along, across = dx + 0.35 * dy, dy + 0.30 * dx
    return np.exp(-(((along / 0.048) ** 2 + (across / 0.022) ** 2) ** 2))
