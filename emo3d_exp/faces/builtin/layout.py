"""Where the skin has its vertices: rows along lips, lids and brows, an even grid elsewhere.

Only the left half is laid out; :mod:`mesh` mirrors it. The plane of ``(1.12 theta, v)`` is nearly
undistorted in the face, so distances and triangles are taken there. Between the lips the plane has
a lens-shaped hole that is closed in space only, so that the upper and the lower lip share no triangle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.profile import V_BOTTOM, V_TOP, angle_at

PLANE_SCALE = 1.12
LIP_ROWS = (-1.0, -0.66, -0.33, 0.0, 0.12, 0.28, 0.46, 0.64, 0.82, 0.94, 1.0)
"""Rows of a lip: -1 inside the mouth, 0 where the lips touch, 1 at the border of the red."""
LID_RINGS = (-0.014, 0.0, 0.010, 0.022, 0.036, 0.052, 0.066, 0.080, 0.098, 0.125, 0.16)
"""Distances of the rings round an eye from the margin of its lids."""
FAR = 9.0


class Kind(IntEnum):
    """What a vertex of the skin belongs to."""

    SKIN, UPPER_LIP, LOWER_LIP, MOUTH_CORNER, EYE_CORNER, UPPER_LID, LOWER_LID = range(7)


@dataclass
class Layout:
    """Sample points, one array entry each; ``v_surface`` is ``v`` without the hole between the lips."""

    theta: np.ndarray = field(default_factory=lambda: np.zeros(0))
    v: np.ndarray = field(default_factory=lambda: np.zeros(0))
    v_surface: np.ndarray = field(default_factory=lambda: np.zeros(0))
    kind: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    row: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ring: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def add(self, theta, v, v_surface=None, kind=Kind.SKIN, row=0.0, ring=FAR) -> None:
        """Append points; scalars are repeated."""
        theta = np.atleast_1d(theta)
        columns = (theta, v, v if v_surface is None else v_surface, kind, row, ring)
        for name, column in zip(self.__dataclass_fields__, columns, strict=True):
            column = np.broadcast_to(column, theta.shape)
            setattr(self, name, np.concatenate([getattr(self, name), column]))

    def plane(self) -> np.ndarray:
        """Points (N, 2) in the plane."""
        return to_plane(self.theta, self.v)

    def take(self, index: np.ndarray) -> Layout:
        """The points with these indices."""
        return Layout(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def to_plane(theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Points (N, 2) in which distances are measured and triangles made."""
    return np.stack([PLANE_SCALE * theta, v], 1)


def face_to_plane(points: np.ndarray) -> np.ndarray:
    """The same for points (N, 2) given by x and height."""
    return to_plane(angle_at(points[:, 0], points[:, 1]), points[:, 1])


def inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points (N, 2) lie in the polygon (M, 2): an odd number of its edges is crossed upwards."""
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    x, y = points[:, :1], points[:, 1:]
    spans = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return (spans & crossing).sum(1) % 2 == 1


def offset_curve(curve: np.ndarray, distance: float, closed: bool) -> np.ndarray:
    """The curve (N, 2) moved sideways, to its left seen along it; corners of closed curves fan out."""
    tangent = np.roll(curve, -1, 0) - np.roll(curve, 1, 0) if closed else np.gradient(curve, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    for _ in range(2 if closed else 0):
        normal = normal + np.roll(normal, 1, 0) + np.roll(normal, -1, 0)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    return curve + normal * distance


def _add_lips(layout: Layout) -> None:
    x = f.lip_columns()
    line = f.mouth_line(x)
    for kind, edge in ((Kind.UPPER_LIP, f.upper_lip_edge(x)), (Kind.LOWER_LIP, f.lower_lip_edge(x))):
        height = edge - line
        gap = 0.35 * height
        for row in LIP_ROWS:
            v = line + (gap + row * (height - gap) if row >= 0 else gap * (1 + 0.8 * row))
            layout.add(angle_at(x, v), v, line + max(row, 0) * height, kind, row)
    corner = f.mouth_line(np.array([f.MOUTH_HALF_WIDTH]))
    layout.add(angle_at(f.MOUTH_HALF_WIDTH * 1.012, corner), corner, corner, Kind.MOUTH_CORNER)
    for distance in (0.025, 0.055, 0.09, 0.13):
        around = offset_curve(f.lip_contour(), distance, closed=False)
        around = around[around[:, 0] >= -0.004]
        around[np.abs(around[:, 0]) < 0.004, 0] = 0.0
        layout.add(angle_at(around[:, 0], around[:, 1]), around[:, 1])


def _add_lids(layout: Layout) -> None:
    contour = f.eye_contour()
    half = len(contour) // 2
    kind = np.full(len(contour), Kind.UPPER_LID)
    kind[half + 1 :] = Kind.LOWER_LID
    kind[[0, half]] = Kind.EYE_CORNER
    for ring in LID_RINGS:
        x, y = offset_curve(contour, ring, closed=True).T
        layout.add(angle_at(x, y), y, y, kind, 0.0, ring)


def _add_brows(layout: Layout) -> None:
    x = np.linspace(0.13, 0.98, 44)
    for row in (-1.5, -1.12, -0.98, -0.6, -0.2, 0.2, 0.6, 0.98, 1.12, 1.5):
        y = f.brow_line(x) + row * np.maximum(f.brow_half_height(x), 0.018)
        layout.add(angle_at(x, y), y)


def _fill(layout: Layout, step: float, wanted) -> None:
    """Add the points of a hexagonal grid where ``wanted`` says so and no other point is near."""
    from scipy.spatial import cKDTree

    right = np.pi * PLANE_SCALE
    heights = np.arange(V_BOTTOM, V_TOP, step * np.sqrt(3) / 2)
    across = np.arange(0, right + 1e-6, step)
    # Rows that start half a step aside get a point on the seam too, or the seam would be a coarse edge.
    shifted = np.append(0.0, across + step / 2)
    rows = [shifted if i % 2 else across for i in range(len(heights))]
    grid = np.concatenate([np.stack([row, 0 * row + v], 1) for row, v in zip(rows, heights, strict=True)])
    grid = grid[(grid[:, 0] < right) & wanted(*grid.T)]
    near, _ = cKDTree(layout.plane()).query(grid)
    grid = grid[near > 0.75 * step]
    layout.add(grid[:, 0] / PLANE_SCALE, grid[:, 1])


def _near_hairline(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (np.abs(v - f.hairline(x / PLANE_SCALE)) < 0.11) & (x < 1.5) & (v > -0.3)


def half_layout() -> Layout:
    """All sample points of the left half, those in the middle plane (``theta`` 0 or pi) included."""
    layout = Layout()
    _add_lips(layout)
    _add_lids(layout)
    _add_brows(layout)
    eye, lips = face_to_plane(f.eye_contour()), face_to_plane(f.lip_contour())
    for step, wanted in (
        (0.013, lambda x, v: (x > 0.02) & (x < 0.17) & (v < -0.665) & (v > -0.80)),  # nostrils
        (0.021, lambda x, v: (x < 0.36) & (v < -0.40) & (v > -0.86)),
        (0.023, lambda x, v: (x < 0.15) & (v < 0.44) & (v > 0.04)),  # frown lines
        (0.036, lambda x, v: (x < 1.02) & (v < 0.75) & (v > -1.75)),
        (0.030, lambda x, v: (x > 0.80) & (x < 1.20) & (np.abs(v + 0.04) < 0.15)),  # crow's feet
        (0.030, _near_hairline),
        (0.065, lambda x, v: (x < 1.75) & (v < 1.3) & (v > -2.1)),
        (0.130, lambda x, v: np.ones(x.shape, dtype=bool)),
    ):
        _fill(layout, step, lambda x, v, wanted=wanted: wanted(x, v) & ~inside(eye, np.stack([x, v], 1))
              & ~inside(lips, np.stack([x, v], 1)))  # fmt: skip
    heights = np.append(np.arange(V_BOTTOM, V_TOP, 0.13), V_TOP)
    layout.add(np.full(len(heights), np.pi), heights)
    angles = np.append(np.arange(0, np.pi, 0.12), np.pi)
    layout.add(angles, V_BOTTOM)
    layout.add(angles, V_TOP)
    _, first = np.unique(np.round(layout.plane(), 4), axis=0, return_index=True)
    return layout.take(np.sort(first))
