"""An overlay in one look: what does not change with the expression is worked out once."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.overlay import Overlay
from emo3d_exp.faces.shading import to_linear
from emo3d_exp.faces.strands import StrandLight


class Worn:
    """Places and lights an overlay as :class:`~emo3d_exp.faces.adornments.Adornments` does, but sooner.

    Args:
        overlay: of a rig.
        faces: ``(T, 3)`` of the rig and then the overlay.
        look: colours and light.
        rotation: ``(3, 3)`` to camera coordinates.
        hidden: ``(T,)`` bool of triangles to leave out, or None.
    """

    def __init__(
        self,
        overlay: Overlay,
        faces: np.ndarray,
        look: Look,
        rotation: np.ndarray,
        hidden: np.ndarray | None = None,
    ) -> None:
        self.overlay, self.rotation = overlay, rotation
        self.faces = faces if hidden is None else faces[~hidden]
        palette = to_linear(np.float32([look.hair, look.brow, look.brow]))
        density = np.float32([1.0, look.brow_weight, 1.0])[overlay.color]
        self.albedo = palette[overlay.color] * overlay.tint[:, None]
        self.shown = (overlay.alpha * np.clip(6 * (density - overlay.rank) + 1, 0, 1))[:, None]
        self.light = StrandLight(overlay.tangents @ rotation.T, look.light)
        self.own = np.flatnonzero(overlay.own_normal)
        self.own_normals = overlay.normals[self.own]
        self.lift = overlay.lift[:, None]

    def __call__(
        self, vertices: np.ndarray, normals: np.ndarray, lit: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points and linear colours ``(V + N, 3)`` of the rig, given as ``(3, V)``, and what lies on it."""
        rows = np.ascontiguousarray(np.concatenate([vertices, normals, lit]).T)
        below = self.overlay.binding @ rows
        points, under, colors = below[:, :3], below[:, 3:6].copy(), below[:, 6:]
        points += self.overlay.offset
        points += self.lift * under
        under[self.own] = self.own_normals
        shaded = self.light(self.albedo, under @ self.rotation.T)
        shaded -= colors
        colors += self.shown * shaded
        both = np.concatenate([rows, below])
        return both[:, :3], both[:, 6:]
