"""The bare head: horizontal slices from the shoulders to the crown, joined smoothly over height.

A point of the surface is named by ``theta`` (0 in front, pi/2 at the subject's left, pi behind) and
``v``, the height at which its slice meets the face in front.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from emo3d_exp.faces.builtin.falloff import ramp

V_BOTTOM, V_TOP = -3.45, 2.12

_SLICES = (
    # v, z in front, half width, y at side, z at side, z behind, y behind
    (-3.45, -0.02, 1.95, -3.30, -0.95, -1.95, -3.30),
    (-3.10, -0.16, 1.32, -3.05, -0.95, -1.92, -3.05),
    (-2.80, -0.27, 0.93, -2.80, -0.95, -1.86, -2.80),
    (-2.30, -0.34, 0.775, -2.30, -0.94, -1.82, -2.30),
    (-2.02, -0.30, 0.745, -1.90, -0.92, -1.81, -2.00),
    (-1.92, -0.10, 0.740, -1.62, -0.88, -1.82, -1.80),
    (-1.86, 0.13, 0.755, -1.45, -0.80, -1.83, -1.65),
    (-1.80, 0.31, 0.800, -1.35, -0.72, -1.85, -1.55),
    (-1.68, 0.41, 0.880, -1.26, -0.66, -1.88, -1.40),
    (-1.50, 0.43, 0.950, -1.18, -0.64, -1.93, -1.25),
    (-1.30, 0.42, 1.000, -1.06, -0.66, -1.98, -1.10),
    (-1.10, 0.43, 1.042, -0.94, -0.68, -2.04, -0.98),
    (-0.87, 0.43, 1.080, -0.78, -0.70, -2.13, -0.80),
    (-0.45, 0.41, 1.128, -0.42, -0.74, -2.27, -0.45),
    (0.00, 0.40, 1.155, 0.00, -0.78, -2.36, -0.10),
    (0.30, 0.40, 1.170, 0.30, -0.80, -2.42, 0.20),
    (0.60, 0.37, 1.175, 0.60, -0.82, -2.42, 0.50),
    (0.92, 0.28, 1.128, 0.92, -0.86, -2.38, 0.80),
    (1.25, 0.13, 1.005, 1.20, -0.90, -2.26, 1.12),
    (1.56, -0.06, 0.795, 1.45, -0.93, -2.03, 1.40),
    (1.76, -0.24, 0.605, 1.60, -0.95, -1.80, 1.58),
    (1.92, -0.47, 0.40, 1.705, -0.95, -1.50, 1.69),
    (2.05, -0.75, 0.19, 1.765, -0.95, -1.18, 1.76),
    (2.12, -0.93, 0.02, 1.78, -0.95, -0.97, 1.78),
)
_FRONT_HEIGHT = (
    # v and the height that it has in front; equal up to the forehead, so that features sit where drawn
    (0.50, 0.50), (0.75, 0.75), (1.00, 0.99), (1.25, 1.215), (1.56, 1.46), (1.76, 1.61), (1.92, 1.71),
    (2.05, 1.765), (2.12, 1.78),
)  # fmt: skip


@cache
def _interpolators() -> tuple:
    from scipy.interpolate import PchipInterpolator

    slices, front = np.array(_SLICES), np.array(_FRONT_HEIGHT)
    return PchipInterpolator(slices[:, 0], slices[:, 1:]), PchipInterpolator(front[:, 0], front[:, 1])


def half_width(v: np.ndarray) -> np.ndarray:
    """Largest distance from the middle plane in slice ``v``."""
    return _interpolators()[0](v)[..., 1]


def front_height(v: np.ndarray) -> np.ndarray:
    """Height of slice ``v`` in front: ``v`` itself up to 0.75, less above."""
    return np.where(v < 0.75, v, _interpolators()[1](np.maximum(v, 0.5)))


def angle_at(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """``theta`` of the point of slice ``v`` in front whose distance from the middle plane is ``x``."""
    return np.arcsin(np.clip(x / half_width(v), -0.999, 0.999))


def bare_head(theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the bare head without features."""
    z_front, width, y_side, z_side, z_back, y_back = _interpolators()[0](v).T
    sine, cosine = np.sin(theta), np.cos(theta)
    ahead, behind = np.clip(cosine, 0, 1), np.clip(-cosine, 0, 1)
    z = z_side + (z_front - z_side) * ahead**0.97 - (z_side - z_back) * behind
    y = y_side + (front_height(v) - y_side) * ahead**1.7 + (y_back - y_side) * behind
    return np.stack([width * sine, y, z], 1)


def frontness(theta: np.ndarray) -> np.ndarray:
    """1 on the face, 0 beside and behind: where features are sculpted and painted."""
    return ramp(np.cos(theta), 0.1, 0.4)
