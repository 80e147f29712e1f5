"""Which part of the head each pixel shows, and whether it should."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.rig import PARTS, Rig

BACKGROUND = -1
SKIN: tuple[int, ...] = (PARTS.index("skin"), PARTS.index("ear"))
MOUTH: tuple[int, ...] = tuple(PARTS.index(part) for part in ("mouth_bag", "teeth", "tongue"))
EYES: tuple[int, ...] = tuple(PARTS.index(part) for part in ("eye_left", "eye_right", "catchlight"))


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
        part = rig.part[rig.faces].max(axis=1).astype(np.int64)
        of_skin = np.isin(part, SKIN)
        skin = rig.faces[of_skin]
        at_rim = np.isin(skin, _boundary(skin)).any(axis=1)
        right = (part == PARTS.index("eye_right")) | (
            (part == PARTS.index("catchlight")) & (rig.neutral[rig.faces[:, 0], 0] < 0)
        )
        self.all = _Labelled(rig.faces, part + 8 * right)
        self.skin = _Labelled(skin, np.zeros(len(skin), np.int64))
        self.firm_skin = _Labelled(skin[~at_rim], np.zeros((~at_rim).sum(), np.int64))

    def __call__(self, blendshapes: np.ndarray, look: Look | None = None) -> Parts:
        """Draw one face: ``blendshapes`` ``(52,)`` in [0, 1]."""
        look = look or Look()
        posed = self.rig.vertices(np.asarray(blendshapes, np.float32)[None])[0]
        posed = self.identity.apply(posed, look.identity)
        return Parts(self, self.camera.view(posed, self.camera.rotation(look), look), look)

    def nearest(self, surface: _Labelled, seen: np.ndarray, look: Look, cull: bool) -> np.ndarray:
        """Label of the nearest triangle, for every pixel; -1 where there is none."""
        import cv2

        label = np.full((self.size, self.size, 3), BACKGROUND, np.float32)
        depth = np.full((self.size, self.size), self.camera.far, np.float32)
        # The setters return copies: what is chained to the call after a statement's start would be lost.
        settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        settings.setCullingMode(cv2.RASTERIZE_CULLING_CW if cull else cv2.RASTERIZE_CULLING_NONE)
        lens = (float(np.deg2rad(look.fov)), self.camera.near, self.camera.far)
        corners, eye = seen[surface.source], np.eye(4, dtype=np.float32)
        cv2.triangleRasterize(corners, surface.faces, surface.colors, label, depth, eye, *lens, settings)
        return np.rint(label[..., 0]).astype(np.int16)


class Parts:
    """One picture, pixel by pixel; all arrays are ``(size, size)``."""

    def __init__(self, view: PartView, seen: np.ndarray, look: Look) -> None:
        self._view, self._seen, self._look = view, seen, look
        self._label = view.nearest(view.all, seen, look, cull=False)

    @cached_property
    def part(self) -> np.ndarray:
        """int, index into :data:`PARTS` of what is seen, -1 for the background."""
        return np.where(self._label == BACKGROUND, BACKGROUND, self._label & 7)

    @cached_property
    def eye(self) -> np.ndarray:
        """int, 0 where the left eye is seen (its catchlight too), 1 for the right one, else -1."""
        return np.where(np.isin(self.part, EYES), self._label >> 3, -1)

    @cached_property
    def mouth(self) -> np.ndarray:
        """bool, the inside of the mouth is seen."""
        return np.isin(self.part, MOUTH)

    @cached_property
    def pierces(self) -> np.ndarray:
        """bool, something lies in front of skin that looks at the camera: it sticks out.

        The rims, where lids and lips turn inwards, do not count as skin. An eye socket modelled in skin
        behind the eyeball does.
        """
        behind = self._view.nearest(self._view.firm_skin, self._seen, self._look, cull=True)
        return (self.mouth | (self.eye >= 0)) & (behind != BACKGROUND)

    @cached_property
    def torn(self) -> np.ndarray:
        """bool, skin is seen from its inner side: through a gap, or because it is turned over."""
        outer = self._view.nearest(self._view.skin, self._seen, self._look, cull=True)
        return np.isin(self.part, SKIN) & (outer == BACKGROUND)


class _Labelled:
    """Triangles ``(T, 3)`` of which each has one label: a vertex of several labels is there several times."""

    def __init__(self, faces: np.ndarray, labels: np.ndarray) -> None:
        pairs = faces.astype(np.int64) * 16 + labels[:, None]
        used, index = np.unique(pairs, return_inverse=True)
        self.source = used // 16
        self.faces = np.ascontiguousarray(index.reshape(-1, 3), np.int32)
        self.colors = np.repeat((used % 16).astype(np.float32)[:, None], 3, axis=1)


def _boundary(faces: np.ndarray) -> np.ndarray:
    """Vertices on edges that only one triangle of ``(T, 3)`` has."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return np.unique(unique[count == 1])
