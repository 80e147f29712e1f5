"""The lips: their form at rest, and their motion, row by row from the motion table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.layout import Kind, Layout
from emo3d_exp.faces.builtin.motion_table import MotionTable

_CORNER_X = 0.40
"""Distance of the corner of the mouth in the motion table; ours is at ``MOUTH_HALF_WIDTH``."""
_SIDE_X = {"upper_lip": 0.12, "lower_lip": 0.16}
"""Distance of the table's points beside the middle of each lip."""


_UNSEALED = (
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthLowerDown",
    "mouthRoll",
    "mouthShrug",
    "mouthUpperUp",
)
"""Beginnings of the shapes that part the lips or push them past each other; in others they stay in touch."""


def place_lips(layout: Layout, points: np.ndarray) -> None:
    """Give the lips of the left half (N, 3) their bulge and roll their inner rows into the mouth."""
    t = np.clip(points[:, 0] / f.MOUTH_HALF_WIDTH, 0, 1)
    height = (1 - t**2) ** 0.6
    for kind, amount, up in ((Kind.UPPER_LIP, 0.060, 1), (Kind.LOWER_LIP, 0.070, -1)):
        of = layout.kind == kind
        row, h = layout.row[of], height[of]
        outer, inner = np.clip(row, 0, 1), np.clip(-row, 0, 1)
        bulge = np.sin(np.pi * np.clip(outer * 0.86 + 0.10, 0, 1)) ** 0.8
        points[of, 2] += (amount * bulge - 0.01 - 0.035 * (1 - np.clip(outer / 0.12, 0, 1))) * h
        points[of, 2] -= 0.13 * inner * (0.35 + 0.65 * h)
        # The lips overlap by a hair's breadth, so that no light comes through when they are closed.
        points[of, 1] += up * (0.05 * inner * h - 0.002)
    x, y = points[:, 0] - f.MOUTH_HALF_WIDTH, points[:, 1] - f.mouth_line(f.MOUTH_HALF_WIDTH)
    points[:, 2] -= 0.02 * np.exp(-((x / 0.05) ** 2) - (y / 0.03) ** 2) * (np.cos(layout.theta) > 0)


def driven_rows(layout: Layout) -> np.ndarray:
    """Which vertices of the lips follow the table directly; the rows between them are interpolated."""
    lips = np.isin(layout.kind, (Kind.UPPER_LIP, Kind.LOWER_LIP))
    rows = np.isin(np.round(layout.row, 2), (-1.0, -0.33, 0.0, 0.46, 1.0))
    return (lips & rows) | (layout.kind == Kind.MOUTH_CORNER)


def _curve(table: MotionTable, shape: str, points: tuple[str, ...], at: tuple[float, ...]):
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(at, np.array([table.motion(shape, point) for point in points]), axis=0)


def lip_motion(layout: Layout, points: np.ndarray, table: MotionTable, shape: str) -> np.ndarray:
    """Motion (V, 3) of the lips' vertices in the shape; zero elsewhere. Both halves are given."""
    motion = np.zeros(points.shape)
    x = np.clip(points[:, 0] * _CORNER_X / f.MOUTH_HALF_WIDTH, -_CORNER_X, _CORNER_X)
    inner_share = 1 - np.clip(layout.row, 0, 1)
    curves = {lip: _lip_curve(table, shape, lip) for lip in _SIDE_X}
    between = sum(curve(x, 1.0) for curve in curves.values()) / 2
    for kind, lip in ((Kind.UPPER_LIP, "upper_lip"), (Kind.LOWER_LIP, "lower_lip")):
        of = layout.kind == kind
        own = curves[lip](x[of], inner_share[of])
        if not shape.startswith(_UNSEALED):
            own += inner_share[of, None] * (between[of] - curves[lip](x[of], 1.0))
        motion[of] = own
    for side, sign in (("left", 1), ("right", -1)):
        of = (layout.kind == Kind.MOUTH_CORNER) & (np.sign(points[:, 0]) == sign)
        motion[of] = table.motion(shape, f"mouth_corner_{side}")
    return motion


def _lip_curve(table: MotionTable, shape: str, lip: str) -> Callable:
    """Motion (N, 3) of a lip at ``x`` (N,) in the table's scale; ``inside`` is 0 at its border, 1 within."""
    at, side = (
        ("mouth_corner_right", f"{lip}_right", f"{lip}_mid", f"{lip}_left", "mouth_corner_left"),
        _SIDE_X[lip],
    )
    outer = _curve(table, shape, at, (-_CORNER_X, -side, 0.0, side, _CORNER_X))
    inner = table.motion(shape, f"inner_{lip}_mid") - table.motion(shape, f"{lip}_mid")
    if "Roll" in shape:
        inner = inner * np.array([1.0, 0.75, 0.3])  # rolled in further, lips part or cut the teeth

    def motion(x: np.ndarray, inside: np.ndarray | float) -> np.ndarray:
        share = (1 - (np.abs(x) / _CORNER_X) ** 2.2) * inside
        return outer(x) + share[:, None] * inner

    return motion
