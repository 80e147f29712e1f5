"""Triangles to pixels: OpenCV's rasteriser, and the antialiasing."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.looks import Look


class Canvas:
    """A square picture that is drawn larger and reduced by area.

    Args:
        size: pixels per side.
        across, down: samples per pixel along a row and along a column.
        closed: whether triangles that face away are certainly hidden, so that they need not be drawn.
    """

    def __init__(self, size: int, across: int, down: int, closed: bool) -> None:
        self.size, self.across, self.down, self.closed = size, across, down, closed
        # The rasteriser fits the picture's height and keeps pixels square, which ours are not.
        self.stretch = across / down

    def background(self, look: Look) -> np.ndarray:
        """One row of the empty picture, ``(size * across, 3)`` float32."""
        return np.tile(np.asarray(look.background, np.float32), (self.size * self.across, 1))

    def draw(
        self, seen: np.ndarray, faces: np.ndarray, colors: np.ndarray, row: np.ndarray, fov: float
    ) -> np.ndarray:
        """The picture ``(size, size, 3)`` uint8.

        Args:
            seen: ``(3, V)`` camera coordinates, x multiplied by ``stretch``.
            faces: ``(T, 3)`` int32.
            colors: ``(3, V)`` display colours in [0, 1].
            row: of :meth:`background`.
            fov: vertical field of view in degrees.
        """
        import cv2

        picture = np.empty((self.size * self.down, self.size * self.across, 3), np.float32)
        picture[:] = row
        culling = cv2.RASTERIZE_CULLING_CW if self.closed else cv2.RASTERIZE_CULLING_NONE
        # The setters return copies.
        settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        settings = settings.setCullingMode(culling)
        points, shades = np.ascontiguousarray(seen.T), np.ascontiguousarray(colors.T)
        lens = (float(np.deg2rad(fov)), Camera.near, Camera.far)
        cv2.triangleRasterizeColor(points, faces, shades, picture, _EYE, *lens, settings)
        pixels = cv2.convertScaleAbs(picture, alpha=255)
        if self.across == self.down == 1:
            return pixels
        # Halfway between two samples, linear interpolation is their mean, and much faster than INTER_AREA.
        halved = max(self.across, self.down) == 2 and self.across != self.down
        how = cv2.INTER_LINEAR if halved else cv2.INTER_AREA
        return cv2.resize(pixels, (self.size, self.size), interpolation=how)


_EYE = np.eye(4, dtype=np.float32)
