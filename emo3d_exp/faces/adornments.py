"""What a person wears on the skin in a look: hair, brows and beard, as one overlay."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.beards import beard_hairs
from emo3d_exp.faces.brows import brow_hairs
from emo3d_exp.faces.hair import hair_overlay
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.overlay import Overlay, join, rebound
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import to_linear
from emo3d_exp.faces.worn import Worn

AWAY = 0.5
"""Sine of the angle by which hair must face away at rest to be left out."""


def overlays(rig: Rig, look: Look) -> list[Overlay]:
    """All overlays of a look; none for rigs without masks, whose proportions are unknown."""
    if not {"brows", "hair"} <= set(rig.masks):
        return []
    hair = hair_overlay(rig, look.hair_style, look.receding, look.parting == "right")
    beard = beard_hairs(rig, look.beard) if look.beard != "none" else None
    found = [hair, brow_hairs(rig), beard]
    return [one for one in found if one is not None]


class Adornments:
    """Draws the overlays of looks; what depends on the style alone is made once.

    Args:
        rig: that is drawn.
        whole: the full rig, if ``rig`` is its light one: overlays are made on it.
    """

    def __init__(self, rig: Rig, whole: Rig | None = None) -> None:
        self.rig, self.whole = rig, whole or rig
        self._made: dict[tuple, tuple[Overlay, np.ndarray] | None] = {}

    def add(
        self, vertices: np.ndarray, normals: np.ndarray, lit: np.ndarray, rotation: np.ndarray, look: Look
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces, vertices and linear colours of the rig and what lies on it.

        Args:
            vertices, normals, lit: ``(V, 3)`` of the posed rig in its own coordinates; linear colours.
            rotation: ``(3, 3)`` to camera coordinates.
            look: colours and light.
        """
        made = self._for(look)
        if made is None:
            return self.rig.faces, vertices, lit
        overlay, faces = made
        points, own = overlay.place(vertices, normals)
        palette = to_linear(np.float32([look.hair, look.brow, look.brow]))
        density = np.float32([1.0, look.brow_weight, 1.0])
        turned = (own @ rotation.T, overlay.tangents @ rotation.T)
        colors = overlay.shade(lit, *turned, palette, density, look.light)
        return faces, np.concatenate([vertices, points]), np.concatenate([lit, colors])

    def worn(self, look: Look, rotation: np.ndarray) -> Worn | None:
        """The overlay of a look, for many expressions; None where nothing is worn."""
        made = self._for(look)
        return None if made is None else Worn(*made, look, rotation, _turned_away(self.rig, *made, rotation))

    def _for(self, look: Look) -> tuple[Overlay, np.ndarray] | None:
        key = (look.hair_style, look.receding, look.parting, look.beard)
        if key not in self._made:
            found = overlays(self.whole, look)
            whole = join(found) if found else None
            if whole is not None and self.whole is not self.rig:
                whole = rebound(whole, self.whole, self.rig)
            faces = None if whole is None else _after(self.rig, whole)
            self._made[key] = None if whole is None else (whole, faces)
        return self._made[key]


def _turned_away(rig: Rig, overlay: Overlay, faces: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Triangles ``(T,)`` of an overlay that at rest face so far away that no expression turns them round."""
    points = overlay.binding @ rig.neutral + overlay.offset
    a, b, c = (points[overlay.faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    toward = across @ rotation[2] < -AWAY * np.linalg.norm(across, axis=1)
    return np.concatenate([np.zeros(len(rig.faces), bool), toward])


def _after(rig: Rig, overlay: Overlay) -> np.ndarray:
    """Faces of the rig and then of the overlay, whose vertices follow the rig's."""
    return np.concatenate([rig.faces, overlay.faces + len(rig.neutral)]).astype(np.int32)
