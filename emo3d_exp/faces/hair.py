"""Long hair: a shell that follows the scalp and hangs down behind and beside the face."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.rig import PARTS, Rig

CENTER = np.array([0.0, 0.25, -1.0])
FRONT_EDGE = np.deg2rad(66)
COLUMNS, DOME_ROWS, HANGING_ROWS = 84, 18, 20
LENGTH = 3.3
INSIDE_SHADE = 0.32


class LongHair:
    """Mesh of the shell for a rig in the built-in head's units.

    Columns run from the crown over the scalp and then straight down, from one temple round the back to
    the other; a second surface inside, darker, shows behind the neck.

    Attributes:
        vertices: ``(H, 3)`` float32.
        faces: ``(T, 3)`` int32, counter-clockwise.
        shade: ``(H,)`` float32 brightness of strands, about 1.
    """

    def __init__(self, rig: Rig) -> None:
        angle = np.linspace(FRONT_EDGE, 2 * np.pi - FRONT_EDGE, COLUMNS)
        from_edge = np.minimum(angle, 2 * np.pi - angle) - FRONT_EDGE
        outer = _surface(rig, angle, from_edge)
        inner = CENTER + (outer - CENTER) * np.array([0.93, 0.985, 0.93])
        self.vertices = np.concatenate([outer.reshape(-1, 3), inner.reshape(-1, 3)]).astype(np.float32)
        self.faces = _faces(outer.shape[0], outer.shape[1])
        strands = _strands(angle, outer.shape[0])
        self.shade = np.concatenate([strands.ravel(), strands.ravel() * INSIDE_SHADE]).astype(np.float32)


def _surface(rig: Rig, angle: np.ndarray, from_edge: np.ndarray) -> np.ndarray:
    """``(rows, columns, 3)``: dome rows down to the height of the centre, then hanging rows."""
    elevation = np.deg2rad(np.linspace(89, 0, DOME_ROWS))[:, None]
    directions = np.stack(
        [
            np.cos(elevation) * np.sin(angle),
            np.broadcast_to(np.sin(elevation), (DOME_ROWS, COLUMNS)),
            np.cos(elevation) * np.cos(angle),
        ],
        axis=-1,
    )
    low = smoothstep(np.pi / 2 - elevation, 0.2, 1.4)
    # Starts inside the scalp's own short hair, so that crown and temples show no edge.
    thickness = 0.045 + 0.075 * smoothstep(from_edge, 0.0, 0.5) * low**0.25 + 0.05 * low
    dome = CENTER + directions * (_scalp(rig, directions) + thickness)[..., None]
    drop = np.linspace(0, 1, HANGING_ROWS + 1)[1:, None]
    flare = 1 + 0.13 * smoothstep(drop, 0, 0.35) - 0.10 * smoothstep(drop, 0.6, 1.0)
    wave = 1 + 0.018 * drop * np.sin(9 * drop + 2.0 * np.sin(3 * angle)) + 0.012 * np.sin(14 * angle) * drop
    hanging = CENTER + (dome[-1] - CENTER) * (flare * wave)[..., None]
    length = LENGTH * (1 + 0.008 * np.sin(37 * angle) + 0.01 * np.sin(5 * angle))
    hanging[..., 1] = dome[-1, :, 1] - drop * length
    return np.concatenate([dome, hanging])


def _scalp(rig: Rig, directions: np.ndarray) -> np.ndarray:
    """Distance from the centre to the skin along unit ``directions``, smoothed over neighbours."""
    from scipy.spatial import cKDTree

    skin = rig.neutral[rig.part == PARTS.index("skin")].astype(np.float64) - CENTER
    skin = skin[skin[:, 1] > -0.25]
    distance = np.linalg.norm(skin, axis=1)
    gap, near = cKDTree(skin / distance[:, None]).query(directions, k=6)
    weight = 1 / (gap + 0.02)
    return (distance[near] * weight).sum(axis=-1) / weight.sum(axis=-1)


def _faces(rows: int, columns: int) -> np.ndarray:
    """Outer surface, inner surface turned round, and the two front edges between them."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    outer = _quads(a, c, d, b)
    inner = outer[:, ::-1] + rows * columns
    first, last = index[:, 0], index[:, -1]
    shift = rows * columns
    left = _quads(first[:-1], first[:-1] + shift, first[1:] + shift, first[1:])
    right = _quads(last[:-1], last[1:], last[1:] + shift, last[:-1] + shift)
    return np.ascontiguousarray(np.concatenate([outer, inner, left, right]), np.int32)


def _quads(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    corners = [part.ravel() for part in (a, b, c, d)]
    one = np.stack([corners[0], corners[1], corners[2]], axis=1)
    two = np.stack([corners[0], corners[2], corners[3]], axis=1)
    return np.concatenate([one, two])


def _strands(angle: np.ndarray, rows: int) -> np.ndarray:
    down = np.linspace(0, 1, rows)[:, None]
    fine = np.sin(97 * angle + 3 * np.sin(4 * down)) + 0.7 * np.sin(61 * angle + 5 * down)
    return 1 + 0.10 * fine + 0.06 * np.sin(7 * down + 5 * angle)
