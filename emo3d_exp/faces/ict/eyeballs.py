"""Eyeballs that turn: rings about the gaze laid onto the toolkit's scleras, whose own irises lie hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.vocab import MORPH_TARGETS

SPOKES = 32
IRIS, PUPIL = 21.5, 8.5
"""Angles at the centre, degrees from the gaze."""

RINGS = (
    *(2.5, 5.5, PUPIL - 0.4, PUPIL + 0.4, 12.5, 16.5, IRIS - 1.8, IRIS - 0.5, IRIS + 0.7),
    *(IRIS + 2.5, 28.0, 34.0, 41.0, 49.0, 58.0, 68.0, 79.0, 91.0, 104.0),
)
TURNS = {
    "eyeLookOut": (30.0, 0.0),
    "eyeLookIn": (-30.0, 0.0),
    "eyeLookUp": (0.0, -22.0),
    "eyeLookDown": (0.0, 22.0),
}
"""Degrees at weight 1: to the subject's left (for the left eye), and downwards."""

CORNEA = 0.03
"""How far the cornea stands out of the ball, as a part of its radius; the toolkit's own would pierce lids
that close over a turned eye."""

GLINT_ANGLES = (5.0, -7.5)
"""Where a spot of light stands on the cornea: degrees to the subject's left and downwards."""

GLINT_SIZE, GLINT_CORNERS, GLINT_LIFT = 0.015, 10, 0.003


@dataclass(frozen=True)
class Ball:
    """One eyeball: ``vertices`` (N, 3), ``faces`` (T, 3), ``angles`` (N,) degrees from the gaze."""

    vertices: np.ndarray
    faces: np.ndarray
    angles: np.ndarray


class Sclera:
    """The toolkit's shell of one eye, and where rays from its centre meet it.

    Args:
        shell: ``(S, 3)`` its vertices in the neutral.
        faces: ``(T, 3)`` its triangles.
        side: +1 for the subject's left, -1 for the right.
    """

    def __init__(self, shell: np.ndarray, faces: np.ndarray, side: int) -> None:
        self.side = side
        self.angles, local = _grid()
        local = local * [side, 1, 1]
        center = ball_center(shell)
        directions = local @ _frame(_gaze(shell, center)).T
        self.corners, self.shares = _meet(shell - center, faces, directions)
        grid = _grid_faces()
        self.faces = grid if side > 0 else grid[:, ::-1]

    def ball(self, shell: np.ndarray) -> Ball:
        """The eyeball in a ``shell`` (S, 3) of the same topology, its gaze straight ahead."""
        center = ball_center(shell)
        arms = (shell[self.corners] * self.shares[..., None]).sum(axis=1) - center
        reach = np.linalg.norm(arms, axis=1)
        limit = np.median(reach[self.angles > 45]) * (1 + CORNEA * np.exp(-((self.angles / 20) ** 4)))
        arms *= np.minimum(1, limit / reach)[:, None]
        ahead = _frame(_gaze(shell, center)).T
        return Ball(arms @ ahead.T + center, self.faces, self.angles)


def ball_center(points: np.ndarray) -> np.ndarray:
    """Centre (3,) of the sphere that fits ``points`` best, leaving out those in front: the cornea bulges."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    offset = points - middle
    rear = points[offset[:, 2] < 0.5 * np.linalg.norm(offset, axis=1)]
    system = np.c_[2 * rear, np.ones(len(rear))]
    return np.linalg.lstsq(system, (rear**2).sum(axis=1), rcond=None)[0][:3]


def gaze_deltas(vertices: np.ndarray, center: np.ndarray, side: int) -> dict[int, np.ndarray]:
    """Index of each eyeLook target of this side → ``(N, 3)`` linear motion of the ball about ``center``."""
    name = "Left" if side > 0 else "Right"
    arms = vertices - center
    return {
        MORPH_TARGETS.index(shape + name): arms @ _rotation(side * yaw, pitch).T - arms
        for shape, (yaw, pitch) in TURNS.items()
    }


def glint(ball: Ball, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(G, 3)`` vertices and ``(T, 3)`` faces of a disc of light that stays before the cornea.

    It lies on the same side of both eyes, as the reflection of one lamp does.
    """
    toward = _rotation(*GLINT_ANGLES) @ np.array([0.0, 0.0, 1.0])
    arms = ball.vertices - center
    reach = np.linalg.norm(arms[ball.angles < IRIS], axis=1).max()
    frame = _frame(toward)
    around = np.arange(GLINT_CORNERS) / GLINT_CORNERS * 2 * np.pi
    rim = GLINT_SIZE * np.stack([np.cos(around), np.sin(around), 0 * around], axis=1) @ frame.T
    middle = center + toward * (reach + GLINT_LIFT)
    index = np.arange(GLINT_CORNERS)
    faces = np.stack([0 * index, 1 + index, 1 + (index + 1) % GLINT_CORNERS], axis=1)
    return np.concatenate([middle[None], middle + rim]), faces


def _rotation(yaw: float, pitch: float) -> np.ndarray:
    """Turns +z by ``yaw`` degrees to +x and ``pitch`` degrees to -y."""
    cy, sy = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    cp, sp = np.cos(np.deg2rad(pitch)), np.sin(np.deg2rad(pitch))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return about_y @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])


def _frame(axis: np.ndarray) -> np.ndarray:
    """Rotation without roll that takes +z to the unit vector ``axis``."""
    yaw, pitch = np.arctan2(axis[0], axis[2]), -np.arcsin(np.clip(axis[1], -1, 1))
    return _rotation(float(np.degrees(yaw)), float(np.degrees(pitch)))


def _gaze(shell: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Unit axis of the cornea: the mean direction of the bulge in front, weighted by its height."""
    arms = shell - center
    reach = np.linalg.norm(arms, axis=1)
    ahead = arms[:, 2] / reach
    height = np.where(ahead > 0.64, np.clip(reach / np.median(reach[ahead < 0.5]) - 1.02, 0, None), 0)
    axis = (arms * height[:, None]).sum(axis=0) if height.any() else np.array([0.0, 0.0, 1.0])
    return axis / np.linalg.norm(axis)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Angles (N,) and unit directions (N, 3) of the pole and the rings about +z."""
    angles = np.concatenate([[0.0], np.repeat(RINGS, SPOKES)])
    around = np.concatenate([[0.0], np.tile(np.arange(SPOKES) / SPOKES * 2 * np.pi, len(RINGS))])
    sine, cosine = np.sin(np.deg2rad(angles)), np.cos(np.deg2rad(angles))
    return angles, np.stack([sine * np.cos(around), sine * np.sin(around), cosine], axis=1)


def _grid_faces() -> np.ndarray:
    index = 1 + np.arange(len(RINGS) * SPOKES).reshape(len(RINGS), SPOKES)
    right = np.roll(index, -1, axis=1)
    cap = np.stack([np.zeros(SPOKES, int), index[0], right[0]], axis=1)
    a, b, c, d = (part.ravel() for part in (index[:-1], index[1:], right[1:], right[:-1]))
    return np.concatenate([cap, np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _meet(shell: np.ndarray, faces: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (N, 3) and barycentric shares (N, 3) of the triangles that rays from the origin meet."""
    inverse = np.linalg.pinv(np.swapaxes(shell[faces], 1, 2))
    shares = np.einsum("tij,nj->nti", inverse, directions)
    best = shares.min(axis=2).argmax(axis=1)
    chosen = np.clip(shares[np.arange(len(directions)), best], 0, None)
    return faces[best], chosen / chosen.sum(axis=1, keepdims=True)
