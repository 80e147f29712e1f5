"""A cartoon face: a round head, and flat eyes, brows, cheeks and lips that float a little in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces import Rig
from emo3d_exp.vocab import MORPH_TARGETS

HEAD = np.array([0.86, 1.0, 0.75])
"""Half width, height and depth of the head; y is up, +z out of the face, +x the face's own left."""

EYE, BROW, CHEEK, MOUTH = (0.31, 0.16), (0.32, 0.43), (0.52, -0.16), (0.0, -0.42)
SKIN, BLUSH, NOSE = (0.95, 0.62, 0.14), (0.92, 0.30, 0.12), (0.85, 0.42, 0.07)
INK, WHITE, IRIS, LIP, THROAT = (
    (0.02, 0.01, 0.01),
    (0.95, 0.95, 0.95),
    (0.10, 0.22, 0.45),
    (0.55, 0.06, 0.05),
    (0.08, 0, 0),
)


@dataclass(frozen=True)
class Piece:
    """One part of the face.

    Attributes:
        name: what it is: head, rim, white, iris, brow, cheek, nose or mouth.
        side: 1 the face's left, -1 its right, 0 neither.
        points: (N, 2) x and y; of the head (N, 3).
        layer: (N,) how far in front of the head's surface.
        faces: (T, 3). color: linear RGB.
        along: (N,) of brows and mouth: -1 at the face's right end to 1 at its left.
        row: (N,) of the mouth: 1 upper lip, -1 lower lip; their edges away from the mouth's line are ±2.
    """

    name: str
    side: int
    points: np.ndarray
    layer: np.ndarray
    faces: np.ndarray
    color: tuple[float, float, float]
    along: np.ndarray
    row: np.ndarray


def build_cartoon(name: str = "cartoon") -> Rig:
    """The face with its 51 morph targets."""
    from emo3d_plugin_example.cartoon_motion import motion

    parts = pieces()
    starts = np.cumsum([0, *(len(piece.points) for piece in parts)])
    deltas = [
        np.concatenate([lifted(piece, motion(piece, target)) - lifted(piece) for piece in parts])
        for target in MORPH_TARGETS
    ]
    return Rig(
        name=name,
        neutral=np.concatenate([lifted(piece) for piece in parts]),
        faces=np.concatenate([piece.faces + start for piece, start in zip(parts, starts[:-1], strict=True)]),
        colors=np.concatenate([np.tile(piece.color, (len(piece.points), 1)) for piece in parts]),
        deltas=np.stack(deltas),
    )


def lifted(piece: Piece, moved: np.ndarray | None = None) -> np.ndarray:
    """(N, 3) where the points are in space, moved by (N, 3): flat parts slide over the head."""
    moved = np.zeros((len(piece.points), 3)) if moved is None else moved
    if piece.name == "head":
        return piece.points + moved
    flat = piece.points + moved[:, :2]
    depth = HEAD[2] * np.sqrt(np.maximum(1 - ((flat / HEAD[:2]) ** 2).sum(axis=1), 0.05))
    return np.column_stack([flat, depth + piece.layer + moved[:, 2]])


def pieces() -> list[Piece]:
    """All parts of the face at rest."""
    found = [_head(), _dome("nose", (0.0, -0.03), (0.085, 0.07), 0.02, NOSE, height=0.1)]
    for side in (1, -1):
        eye, cheek = ((side * x, y) for x, y in (EYE, CHEEK))
        found += [
            _dome("cheek", cheek, (0.14, 0.10), 0.008, BLUSH, side),
            _dome("rim", eye, (0.20, 0.20), 0.012, INK, side),
            _dome("white", eye, (0.18, 0.18), 0.024, WHITE, side),
            _dome("iris", eye, (0.095, 0.095), 0.036, IRIS, side),
            _dome("iris", eye, (0.055, 0.055), 0.044, INK, side),
            _dome("iris", (eye[0] + 0.03, eye[1] + 0.03), (0.022, 0.022), 0.052, WHITE, side),
            _brow(side),
        ]
    return [*found, *_mouth()]


def _head(columns: int = 20, rows: int = 13) -> Piece:
    down = np.linspace(0, np.pi, rows)
    around = np.arange(columns) * 2 * np.pi / columns
    ball = np.array([(np.sin(d) * np.sin(a), np.cos(d), np.sin(d) * np.cos(a)) for d in down for a in around])
    faces = []
    for start in range(0, (rows - 1) * columns, columns):
        for left in range(columns):
            a, b = start + left, start + (left + 1) % columns
            faces += [(a, a + columns, b), (b, a + columns, b + columns)]
    return _piece("head", 0, ball * HEAD, faces, SKIN, 0.0)


def _dome(
    name: str,
    center: tuple[float, float],
    radii: tuple[float, float],
    layer: float,
    color: tuple[float, float, float],
    side: int = 0,
    height: float = 0.0,
    corners: int = 20,
) -> Piece:
    """An ellipse; with ``height`` its middle stands out."""
    angle = np.arange(corners) * 2 * np.pi / corners
    rim = np.array(center) + np.column_stack([np.cos(angle), np.sin(angle)]) * radii
    faces = [(0, 1 + k, 1 + (k + 1) % corners) for k in range(corners)]
    layers = np.r_[layer + height, np.full(corners, layer)]
    return _piece(name, side, np.vstack([center, rim]), faces, color, layers)


def _strip(
    name: str,
    side: int,
    x: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    color: tuple,
    layer: float,
    rows: tuple[float, float],
) -> Piece:
    """A band from left to right of the picture, between two edges; ``rows`` are those of its edges."""
    count, along = len(x), np.linspace(-1, 1, len(x))
    points = np.vstack([np.column_stack([x, upper]), np.column_stack([x, lower])])
    quads = [(k, k + count, k + 1, k + count + 1) for k in range(count - 1)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (c, b, d))]
    row = np.repeat(rows, count)
    return _piece(name, side, points, faces, color, layer, np.tile(along, 2), row)


def _brow(side: int) -> Piece:
    along = np.linspace(-1, 1, 7)
    middle = BROW[1] + 0.03 * (1 - along**2)
    half = 0.032 * (1 - 0.4 * along**2)
    return _strip(
        "brow", side, side * BROW[0] + 0.19 * along, middle + half, middle - half, INK, 0.03, (1, -1)
    )


def _mouth() -> list[Piece]:
    along = np.linspace(-1, 1, 17)
    x, line = 0.33 * along, MOUTH[1] + 0.015 * along**2
    upper, lower = 0.008 + 0.035 * (1 - along**2), 0.008 + 0.05 * (1 - along**2)
    return [
        _strip("mouth", 0, x, line, line, THROAT, 0.03, (1, -1)),
        _strip("mouth", 0, x, line, line, WHITE, 0.036, (1, 0.3)),  # teeth follow the jaw a part of the way
        _strip("mouth", 0, x, line + upper, line, LIP, 0.042, (2, 1)),
        _strip("mouth", 0, x, line, line - lower, LIP, 0.042, (-1, -2)),
    ]


def _piece(
    name: str,
    side: int,
    points: np.ndarray,
    faces: list[tuple[int, int, int]],
    color: tuple,
    layer: np.ndarray | float,
    along: np.ndarray | None = None,
    row: np.ndarray | None = None,
) -> Piece:
    none = np.zeros(len(points))
    return Piece(
        name, side, points, none + layer, np.array(faces, np.int32), color,
        none if along is None else along, none if row is None else row,
    )  # fmt: skip
