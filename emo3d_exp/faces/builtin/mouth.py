"""Inside of the mouth: the bag behind the lips, teeth and tongue."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.falloff import ramp
from emo3d_exp.faces.builtin.layout import Kind
from emo3d_exp.faces.builtin.mesh import facing, grid_faces
from emo3d_exp.faces.builtin.motion_table import gain, motion_table
from emo3d_exp.faces.builtin.piece import SHAPE_INDEX, Piece, rotated
from emo3d_exp.faces.builtin.skin import Skin

_JAW_HINGE = np.array([0.0, -0.55, -0.85])
_JAW_ANGLE = 17.5
_MIDDLE_Y = -1.11


def mouth_bag(skin: Skin, skin_deltas: np.ndarray) -> Piece:
    """The dark bag: the innermost rows of the lips, drawn backwards; it moves with them."""
    ring, sides = _inner_ring(skin)
    edge, motion = skin.vertices[ring], skin_deltas[:, ring]
    count = len(ring)
    t = np.clip(np.abs(edge[:, 0]) / f.MOUTH_HALF_WIDTH, 0, 1)
    zero = np.zeros(count)
    behind = edge + np.stack([zero, sides * 0.10 * (1 - t**2), zero - 0.10], 1)
    deep = edge * [0.9, 1, 1] + np.stack([zero, sides * 0.12 * (1 - t**2), -0.45 + 0.2 * t], 1)
    end = np.stack([edge[:, 0] * 0.3, _MIDDLE_Y + sides * 0.03, zero - 0.25], 1)
    tip = end.mean(0, keepdims=True)
    mean = motion.mean(1, keepdims=True)
    deltas = [motion, motion, 0.85 * motion + 0.15 * mean, 0.5 * motion + 0.3 * mean, 0.8 * mean]
    cap = np.stack([3 * count + np.arange(count), 3 * count + (np.arange(count) + 1) % count,
                    np.full(count, 4 * count)], 1)  # fmt: skip
    vertices = np.concatenate([edge, behind, deep, end, tip])
    faces = np.concatenate([grid_faces(4, count, wrap=True), cap])
    inward = np.array([0.0, _MIDDLE_Y, 0.2]) - vertices[faces].mean(1)
    piece = Piece("mouth_bag", vertices, facing(vertices, faces, inward), np.concatenate(deltas, 1))
    depth = np.append(np.repeat([0.45, 0.22, 0.10, 0.04], count), 0.03)
    piece.color = depth[:, None] * [0.90, 0.35, 0.33]
    return piece


def _inner_ring(skin: Skin) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the innermost rows of both lips, once round; and 1 for the upper, -1 for the lower."""
    inner = skin.layout.row <= -0.99
    upper = np.flatnonzero(inner & (skin.layout.kind == Kind.UPPER_LIP))
    lower = np.flatnonzero(inner & (skin.layout.kind == Kind.LOWER_LIP))
    upper = upper[np.argsort(skin.vertices[upper, 0])]
    lower = lower[np.argsort(-skin.vertices[lower, 0])]
    return np.concatenate([upper, lower]), np.repeat([1.0, -1.0], [len(upper), len(lower)])


def _jaw_deltas(vertices: np.ndarray) -> np.ndarray:
    """Motion (51, N, 3) of what is fixed to the jaw: opening turns it about the hinge."""
    table = motion_table()
    deltas = np.zeros((len(SHAPE_INDEX), len(vertices), 3))
    for shape in ("jawForward", "jawLeft", "jawRight"):
        deltas[SHAPE_INDEX[shape]] = table.motion(shape, "chin_boss") * gain(shape) * [1, 1, 0.75]
    centred = vertices - _JAW_HINGE
    deltas[SHAPE_INDEX["jawOpen"]] = rotated(centred, pitch=_JAW_ANGLE) - centred
    return deltas


def _tooth_row(
    gum_y: float, edge_y: float, front_z: float, half_width: float, rows: int, gum: float
) -> Piece:
    """An arch of teeth from the gums to the biting edge; ``gum`` is the gums' share of its height."""
    columns = 12 * 6 + 1
    u, v = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(0, 1, rows))
    tooth = np.abs((u * 6 % 1) - 0.5) * 2  # 0 in the middle of a tooth, 1 between two
    x = half_width * u
    bite = 0.008 * tooth**4 * np.sign(gum_y - edge_y) * v
    back = 1.75 * x**2 + 8.0 * np.clip(np.abs(x) - 0.27, 0, None) ** 2
    z = front_z - back - 0.05 * (v - 0.5) ** 2 - 0.008 * tooth**5 * (v > gum)
    vertices = np.stack([x, gum_y + (edge_y - gum_y) * v + bite, z], -1).reshape(-1, 3)
    between = ramp(tooth, 0.60, 1.05)
    arch_line = gum - 0.05 + 0.07 * tooth**2
    masks = {
        "gums": ramp(-(v - arch_line), -0.07, 0.07).ravel(),
        "teeth_shade": np.clip(0.22 * between + 0.95 * np.abs(u) ** 2.5, 0, 1).ravel(),
    }
    faces = facing(vertices, grid_faces(rows, columns), np.array([0.0, 0.0, 1.0]))
    return Piece("teeth", vertices, faces, masks=masks)


def upper_teeth() -> Piece:
    """They are fixed to the skull. Larger ones would show through lips that open or roll in."""
    return _tooth_row(-0.80, -1.152, 0.380, 0.45, rows=10, gum=0.46)


def lower_teeth() -> Piece:
    """They move with the jaw."""
    piece = _tooth_row(-1.42, -1.180, 0.312, 0.40, rows=8, gum=0.60)
    piece.deltas = _jaw_deltas(piece.vertices)
    return piece


def tongue() -> Piece:
    """A flat tongue behind the lower teeth, which moves with the jaw."""
    u, v = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(0, 1, 9))
    x = 0.24 * u * (1 - 0.25 * v**3)
    y = -1.235 + 0.05 * (1 - u**2) * (1 - 0.5 * v) - 0.03 * v**2 - 0.012 * np.exp(-((u / 0.12) ** 2))
    vertices = np.stack([x, y, -0.05 + 0.32 * v - 0.05 * u**2], -1).reshape(-1, 3)
    faces = facing(vertices, grid_faces(9, 15), np.array([0.0, 1.0, 0.0]))
    return Piece("tongue", vertices, faces, _jaw_deltas(vertices), color=np.array([0.62, 0.28, 0.28]))
