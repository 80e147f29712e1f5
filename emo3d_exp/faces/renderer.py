"""Pictures of a rig, by OpenCV's triangle rasteriser."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from emo3d_exp.faces.adornments import Adornments
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import NormalField, Shader, Wrinkles, to_display, to_linear
from emo3d_exp.vocab import BLENDSHAPES

STYLE_VERSION = 2
"""Raise it when the same settings start to give other pixels: fingerprints and caches follow."""


class Renderer:
    """Draws posed, lit, antialiased faces; the same input gives the same bytes.

    Args:
        rig: the face.
        size: pixels per side.
        supersample: the picture is drawn this many times larger and reduced by area.
        margin: room around the head, as a part of its height.
    """

    def __init__(self, rig: Rig, size: int = 224, supersample: int = 2, margin: float = 0.06) -> None:
        if size < 8 or supersample < 1:
            raise ValueError(f"size {size} must be at least 8 and supersample {supersample} at least 1")
        self.rig, self.size, self.supersample, self.margin = rig, int(size), int(supersample), margin
        self.normals = NormalField(rig.faces, len(rig.neutral))
        self.identity, self.painter = IdentityBasis(rig), Painter(rig)
        self.adornments = Adornments(rig)
        self.wrinkles, self.shader = Wrinkles(rig), Shader(rig)
        self.camera = Camera(rig, margin)
        self._painted: tuple[Look, np.ndarray] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that stand for the pixels: rig, settings and drawing style."""
        settings = (self.rig.fingerprint, self.size, self.supersample, self.margin, STYLE_VERSION)
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def render(self, blendshapes: np.ndarray, looks: Look | Sequence[Look] | None = None) -> np.ndarray:
        """Draw faces.

        Args:
            blendshapes: ``(B, 52)`` or ``(52,)`` in [0, 1]; clipped.
            looks: one for all, one each, or None for the neutral look.

        Returns:
            ``(B, size, size, 3)`` uint8 RGB.
        """
        weights = np.atleast_2d(np.asarray(blendshapes, np.float32))
        if weights.ndim != 2 or weights.shape[1] != len(BLENDSHAPES):
            raise ValueError(f"expected (B, {len(BLENDSHAPES)}) blendshapes, got {np.shape(blendshapes)}")
        if not np.isfinite(weights).all():
            raise ValueError("blendshapes hold numbers that are not finite")
        people = [looks or Look()] * len(weights) if looks is None or isinstance(looks, Look) else list(looks)
        if len(people) != len(weights):
            raise ValueError(f"{len(weights)} faces but {len(people)} looks")
        images = np.empty((len(weights), self.size, self.size, 3), np.uint8)
        for image, row, look in zip(images, np.clip(weights, 0, 1), people, strict=True):
            image[:] = self._draw(row, look)
        return images

    def _draw(self, weights: np.ndarray, look: Look) -> np.ndarray:
        vertices, normals = self._surface(weights, look)
        rotation = self.camera.rotation(look)
        albedo = to_linear(self.wrinkles.apply(self._paint(look), weights, look.wrinkles))
        lit = self.shader(albedo, normals @ rotation.T, look.light)
        faces, vertices, lit = self.adornments.add(vertices, normals, lit, rotation, look)
        return self._rasterise(self.camera.view(vertices, rotation, look), faces, to_display(lit), look)

    def _rasterise(self, seen: np.ndarray, faces: np.ndarray, lit: np.ndarray, look: Look) -> np.ndarray:
        import cv2

        side = self.size * self.supersample
        color = np.empty((side, side, 3), np.float32)
        color[:] = look.background
        depth = np.full((side, side), self.camera.far, np.float32)
        # Ours is closed and counter-clockwise; other rigs may hold cards and open shells.
        culling = cv2.RASTERIZE_CULLING_CW if self.rig.masks else cv2.RASTERIZE_CULLING_NONE
        settings = cv2.TriangleRasterizeSettings()
        settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED).setCullingMode(culling)
        eye = np.eye(4, dtype=np.float32)
        lens = (float(np.deg2rad(look.fov)), self.camera.near, self.camera.far)
        cv2.triangleRasterize(seen, faces, lit, color, depth, eye, *lens, settings)
        pixels = cv2.convertScaleAbs(color, alpha=255)
        if self.supersample == 1:
            return pixels
        return cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)

    def _surface(self, weights: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
        # Posed one by one: a matrix product over a batch may round otherwise than one over a row.
        vertices = self.identity.apply(self.rig.vertices(weights[None])[0], look.identity)
        return vertices, self.normals(vertices)

    def _paint(self, look: Look) -> np.ndarray:
        if self._painted is None or self._painted[0] != look:
            self._painted = (look, self.painter(look))
        return self._painted[1]
