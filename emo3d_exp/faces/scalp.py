"""The scalp of a masked rig: its radius by direction and where hair begins.

Directions are angles about :data:`CENTER`: azimuth 0 in front and 90 at the subject's left, elevation
up; both in degrees.
"""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.rig import PARTS, Rig

CENTER = np.array([0.0, 0.25, -1.0])

_EDGE = (
    (0, 31.5), (12, 32.5), (22, 33.5), (31, 31), (37, 26), (42, 20), (46, 14), (49, 8), (53, 3), (58, -2),
    (62, -10), (65, -18), (68, -24), (73, -24), (76, -10), (80, -2), (100, -3), (107, -16), (120, -36),
    (140, -46), (180, -49),
)  # fmt: skip
"""Azimuth and elevation of the hairline: forehead, temple, before, over and behind the ear, nape."""


def directions(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Unit vectors ``(…, 3)`` of angles in degrees."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    a, e = np.broadcast_arrays(a, e)
    return np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], axis=-1)


def hairline(azimuth: np.ndarray, receding: float = 0.0) -> np.ndarray:
    """Elevation of the edge of the hair, slightly irregular; ``receding`` 0…1 bares the temples."""
    a = np.abs(azimuth)
    points = np.array(_EDGE, float)
    edge = np.interp(a, *points.T)
    bare = 13 * np.exp(-(((a - 30) / 13) ** 2)) + 5 * np.exp(-((a / 20) ** 2))
    wave = 0.7 * np.sin(0.55 * azimuth + 0.6) + 0.5 * np.sin(1.27 * azimuth + 2.0)
    return edge + receding * bare + wave * smoothstep(64 - a, 0, 20)


def above_hairline(rig: Rig, receding: float = 0.0) -> np.ndarray:
    """``(V,)`` degrees of elevation over the edge of the hair; -90 for what is no scalp."""
    rest = rig.neutral.astype(np.float64) - CENTER
    radius = np.maximum(np.linalg.norm(rest, axis=1), 1e-9)
    azimuth = np.rad2deg(np.arctan2(rest[:, 0], rest[:, 2]))
    above = np.rad2deg(np.arcsin(rest[:, 1] / radius)) - hairline(azimuth, receding)
    return np.where((rig.part == PARTS.index("skin")) & (radius > 0.9), above, -90.0)


def scalp_mask(rig: Rig, receding: float = 0.0, edge: tuple[float, float] = (-2.5, 5.0)) -> np.ndarray:
    """``(V,)`` float32 in [0, 1]: where hair grows; the edge fades between two angles to the hairline."""
    return smoothstep(above_hairline(rig, receding), *edge).astype(np.float32)


def hair_shadow(rig: Rig, receding: float = 0.0) -> np.ndarray:
    """``(V,)`` float32 in [0, 1]: where the hair shades the skin below its edge."""
    return smoothstep(above_hairline(rig, receding), -11.0, 1.0).astype(np.float32)


class Scalp:
    """Distance from :data:`CENTER` to the skin, and how much further out the ears reach."""

    def __init__(self, rig: Rig) -> None:
        from scipy.spatial import cKDTree

        faces = rig.faces[(rig.part[rig.faces] == PARTS.index("skin")).all(axis=1)]
        corners = rig.neutral[faces].astype(np.float64) - CENTER
        self.corners = corners[(corners[..., 1] > -1.9).all(axis=1)]
        ears = rig.neutral[rig.part == PARTS.index("ear")].astype(np.float64) - CENTER
        self.ears = np.linalg.norm(ears, axis=1)
        self._skin_tree = cKDTree(_unit(self.corners.mean(axis=1)))
        self._ear_tree = cKDTree(_unit(ears)) if len(ears) else None

    def radius(self, toward: np.ndarray) -> np.ndarray:
        """``(…,)`` distance to the skin along unit vectors ``(…, 3)``: the best of the nearest triangles."""
        _, near = self._skin_tree.query(toward, k=8)
        corners = self.corners[near]
        weights = np.linalg.solve(np.swapaxes(corners, -1, -2), toward[..., None, :, None])[..., 0]
        total = weights.sum(axis=-1)
        inside = weights.min(axis=-1) / np.maximum(np.abs(total), 1e-9)
        best = np.where(total > 0, inside, -np.inf).argmax(axis=-1)
        return 1 / np.take_along_axis(total, best[..., None], axis=-1)[..., 0]

    def clearance(self, toward: np.ndarray) -> np.ndarray:
        """``(…,)`` how much further out the ears reach, falling off softly beside them."""
        if self._ear_tree is None:
            return np.zeros(toward.shape[:-1])
        gap, near = self._ear_tree.query(toward, k=12)
        out = self.ears[near].max(axis=-1) - self.radius(toward)
        return np.clip(out, 0, None) * (1 - smoothstep(gap[..., 0], 0.0, 0.75))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
