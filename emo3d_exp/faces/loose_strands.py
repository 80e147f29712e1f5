"""Single strands on a sheet of hair: thin ribbons that break its smoothness and its edge at the forehead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.hair_sheets import Sheet

STATIONS = np.arange(5)
"""Rows of the sheet at which a ribbon has its points, so that it bends where the sheet does."""
WIDTHS = np.array([0.25, 1.0, 1.0, 0.7, 0.05])
LIFT = np.array([0.003, 0.006, 0.008, 0.008, 0.003])


@dataclass(frozen=True)
class Mesh:
    """Hair before it is bound to a rig: ``(N, 3)`` arrays, ``alpha`` and ``tint`` (N,), faces (T, 3).

    ``anchors`` are the places that hold the points.
    """

    points: np.ndarray
    anchors: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    alpha: np.ndarray
    tint: np.ndarray

    def mirrored(self) -> Mesh:
        """Left and right exchanged."""
        turn = np.array([-1, 1, 1])
        return Mesh(
            self.points * turn,
            self.anchors * turn,
            self.faces[:, ::-1],
            self.normals * turn,
            self.tangents * turn,
            self.alpha,
            self.tint,
        )


def loose_strands(sheet: Sheet, normals: np.ndarray, rng: np.random.Generator) -> Mesh:
    """Ribbons of five stations along the columns of ``sheet``; ``normals`` (rows, columns, 3) are its own."""
    rows, columns = sheet.alpha.shape
    count = sheet.strands
    column = np.broadcast_to(rng.uniform(2, columns - 2, (count, 1)), (count, len(STATIONS)))
    at_edge = rng.random((count, 1)) < 0.45
    start = np.where(at_edge, 0, rng.integers(0, rows - len(STATIONS), (count, 1)))
    row = np.minimum(start + STATIONS, rows - 1.001)
    row[:, :1] -= np.where(at_edge, rng.uniform(-0.3, 0.7, (count, 1)), 0)
    middle = _sample(sheet.points, row, column)
    out = _sample(normals, np.clip(row, 0, None), column)
    side = _sample(sheet.points, row, column + 0.25) - _sample(sheet.points, row, column - 0.25)
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    half = 0.5 * rng.uniform(0.011, 0.022, (count, 1)) * WIDTHS
    middle = middle + out * (LIFT * rng.uniform(0.6, 1.3, (count, 1)))[..., None]
    pair = np.stack([middle - side * half[..., None], middle + side * half[..., None]], axis=2)
    alpha = _sample(sheet.alpha[..., None], np.clip(row, 0, None), column)[..., 0]
    alpha = np.maximum(alpha, np.where(at_edge, [0.25, 0.8, 1, 1, 1], 0))
    tint = _sample(sheet.tint[..., None], np.clip(row, 0, None), column)[..., 0]
    dark, light = rng.uniform(0.75, 0.9, (count, 1)), rng.uniform(1.1, 1.35, (count, 1))
    tint = tint * np.where((rng.random((count, 1)) < 0.4) & ~at_edge, dark, light)
    along = np.gradient(middle, axis=1)
    anchors = _sample(sheet.anchors, row, column).reshape(-1, 3)
    return Mesh(
        pair.reshape(-1, 3),
        np.repeat(anchors, 2, axis=0),
        _outward(pair.reshape(-1, 3), _ribbon_faces(count), np.repeat(out.reshape(-1, 3), 2, axis=0)),
        np.repeat(out.reshape(-1, 3), 2, axis=0),
        np.repeat(along.reshape(-1, 3), 2, axis=0),
        np.repeat(np.clip(alpha, 0, 1).ravel(), 2),
        np.repeat(tint.ravel(), 2),
    )


def _sample(grid: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Bilinear ``grid`` (rows, columns, C) at fractional places; rows before the first go straight on."""
    r = np.clip(np.floor(row).astype(int), 0, grid.shape[0] - 2)
    c = np.clip(np.floor(column).astype(int), 0, grid.shape[1] - 2)
    v, u = (row - r)[..., None], (column - c)[..., None]
    upper = grid[r, c] * (1 - u) + grid[r, c + 1] * u
    lower = grid[r + 1, c] * (1 - u) + grid[r + 1, c + 1] * u
    return upper * (1 - v) + lower * v


def _ribbon_faces(count: int) -> np.ndarray:
    steps = np.arange(len(STATIONS) - 1) * 2
    base = (2 * len(STATIONS) * np.arange(count)[:, None] + steps).ravel()
    one, two = np.stack([base, base + 1, base + 2], 1), np.stack([base + 1, base + 3, base + 2], 1)
    return np.concatenate([one, two])


def _outward(points: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Every face turned to the side of its first corner's normal."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    wrong = (np.cross(b - a, c - a) * normals[faces[:, 0]]).sum(axis=1) < 0
    return np.where(wrong[:, None], faces[:, ::-1], faces)
