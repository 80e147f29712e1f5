"""Where the camera stands: framing by the rig's own size, head pose by the look."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.rig import Rig

MOVES = 0.2
"""A vertex belongs to the face when a blendshape moves it by this part of the largest motion."""

DEPTH_OF_PIVOT = 0.38
HAIR_ROOM = 0.03
"""Height of the hair that a rig with masks may wear beyond the margin, as a part of the head's."""


class Camera:
    """Looks along -z at a head scaled to height 1; the camera moves back as the lens gets longer.

    The head reaches from the top of the mesh to its lowest vertex that moves much, below the chin, so
    that shoulders or a body do not make it small. Rotation is about the middle of the head.
    """

    near = 0.05
    far = 100.0

    def __init__(self, rig: Rig, margin: float) -> None:
        reach = np.abs(rig.deltas).max(axis=(0, 2))
        moving = rig.neutral[reach >= MOVES * reach.max()]
        top, low = float(rig.neutral[:, 1].max()), float(moving[:, 1].min())
        if "hair" in rig.masks:
            top += HAIR_ROOM * (top - low)
        self.height = max(top - low, float(np.ptp(moving[:, 0])), 1e-9)
        middle_x = float(moving[:, 0].min() + moving[:, 0].max()) / 2
        depth = float(moving[:, 2].max()) - DEPTH_OF_PIVOT * self.height
        self.center = np.array([middle_x, (top + low) / 2, depth], np.float32)
        self.visible = 1 + 2 * margin

    def rotation(self, look: Look) -> np.ndarray:
        """``(3, 3)`` float32: pitch, then yaw, then roll."""
        yaw, pitch, roll = np.deg2rad([look.yaw, look.pitch, look.roll])
        cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_z = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
        return (about_z @ about_y @ about_x).astype(np.float32)

    def placement(self, rotation: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
        """``(3, 3)`` matrix and ``(3, 1)`` offset, float32, that take vertices to camera coordinates."""
        distance = self.visible / look.framing / (2 * np.tan(np.deg2rad(look.fov) / 2))
        matrix = rotation / np.float32(self.height)
        offset = -(matrix @ self.center)
        offset[2] -= np.float32(distance)
        return matrix, offset[:, None]

    def view(self, vertices: np.ndarray, rotation: np.ndarray, look: Look) -> np.ndarray:
        """Vertices ``(V, 3)`` in camera coordinates, float32, contiguous."""
        matrix, offset = self.placement(rotation, look)
        return np.ascontiguousarray(vertices @ matrix.T + offset.T)
