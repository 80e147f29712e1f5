"""Which part of the head each pixel shows, and whether it should."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.rig import PARTS, Rig

BACKGROUND = -1
OUTSIDE: tuple[int, ...] = (PARTS.index("skin"), PARTS.index("ear"))
INSIDE: tuple[int, ...] = tuple(PARTS.index(part) for part in ("mouth_bag", "teeth", "tongue"))


@dataclass(frozen=True)
class Parts:
    """One picture, pixel by pixel; all arrays ``(size, size)``.

    Attributes:
        part: int, index into :data:`PARTS` of what is seen, -1 for the background.
        eye: int, 0 where the left eye is seen (its catchlight too), 1 for the right one, else -1.
        pierces: bool, something other than skin lies in front of skin that looks at the camera: it
            sticks out. The rims, where lids and lips turn inwards, do not count as skin.
        bare: bool, skin that is not lips; none where the rig has no mask of them.
        torn: bool, skin seen from its inner side lies in front: there is a hole, or it is turned over.
    """

    part: np.ndarray
    eye: np.ndarray
    pierces: np.ndarray
    bare: np.ndarray
    torn: np.ndarray

    @property
    def mouth(self) -> np.ndarray:
        """Where the inside of the mouth is seen, bool."""
        return np.isin(self.part, INSIDE)


class PartView:
    """Draws a rig's parts without light or antialiasing, with the camera of the renderer.

    Args:
        rig: the head.
        size: pixels per side.
        margin: as of the renderer.
    """

    def __init__(self, rig: Rig, size: int = 448, margin: float = 0.06) -> None:
        self.rig, self.size = rig, size
        self.camera, self.identity = Camera(rig, margin), IdentityBasis(rig)
        self.triangle_part = rig.part[rig.faces].max(axis=1).astype(np.int64)
        skin = rig.faces[np.isin(self.triangle_part, OUTSIDE)]
        rim = _boundary(skin)
        self.skin = skin
        self.firm_skin = np.ascontiguousarray(skin[~np.isin(skin, rim).any(axis=1)])
        lips = rig.masks.get("lips", np.ones(len(rig.neutral), np.float32))
        lips = np.maximum(lips, rig.masks.get("inner_lips", np.zeros_like(lips)))
        self.bare = np.isin(self.triangle_part, OUTSIDE) & (lips[rig.faces].max(axis=1) < 0.3)
        on_right = rig.neutral[rig.faces[:, 0], 0] < 0
        eyes = [PARTS.index(part) for part in ("eye_left", "eye_right", "catchlight")]
        self.triangle_eye = np.where(np.isin(self.triangle_part, eyes), on_right, -1).astype(np.int64)

    def __call__(self, blendshapes: np.ndarray, look: Look | None = None) -> Parts:
        """Draw one face: ``blendshapes`` ``(52,)`` in [0, 1]."""
        look = look or Look()
        posed = self.rig.vertices(np.asarray(blendshapes, np.float32)[None])[0]
        seen = self.camera.view(self.identity.apply(posed, look.identity), self.camera.rotation(look), look)
        triangle, depth = self._nearest(seen, self.rig.faces, look, cull=bool(self.rig.masks))
        firm, _ = self._nearest(seen, self.firm_skin, look, cull=True)
        _, skin = self._nearest(seen, self.skin, look, cull=False)
        shown = triangle >= 0
        part = np.where(shown, self.triangle_part[triangle], BACKGROUND)
        other = shown & ~np.isin(part, OUTSIDE)
        return Parts(
            part=part,
            eye=np.where(shown, self.triangle_eye[triangle], -1),
            pierces=other & (firm >= 0),
            bare=shown & self.bare[triangle],
            torn=~np.isin(part, OUTSIDE) & (skin < depth - 1e-4),
        )

    def _nearest(
        self, seen: np.ndarray, faces: np.ndarray, look: Look, cull: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Row of the nearest triangle (-1: none) and its depth, for every pixel."""
        import cv2

        number = np.zeros((self.size, self.size, 3), np.float32)
        depth = np.full((self.size, self.size), self.camera.far, np.float32)
        settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_FLAT)
        settings.setCullingMode(cv2.RASTERIZE_CULLING_CW if cull else cv2.RASTERIZE_CULLING_NONE)
        lens = (float(np.deg2rad(look.fov)), self.camera.near, self.camera.far)
        corners = np.ascontiguousarray(seen[faces.reshape(-1)])
        rows = np.arange(1, len(faces) + 1, dtype=np.float32)
        colors = np.repeat(rows, 3)[:, None].repeat(3, axis=1)
        own = np.arange(3 * len(faces), dtype=np.int32).reshape(-1, 3)
        cv2.triangleRasterize(
            corners, own, colors, number, depth, np.eye(4, dtype=np.float32), *lens, settings
        )
        return number[..., 0].round().astype(np.int64) - 1, depth


def _boundary(faces: np.ndarray) -> np.ndarray:
    """Vertices on edges that only one triangle of ``(T, 3)`` has."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return np.unique(unique[count == 1])
