"""Triangles to pixels: OpenCV's rasteriser, and the antialiasing."""

from __future__ import annotations

from dataclasses import dataclass

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

    def blank(self, look: Look) -> Layer:
        """An empty picture in the look's background colour."""
        shape = (self.size * self.down, self.size * self.across)
        picture = np.empty((*shape, 3), np.float32)
        picture[:] = np.asarray(look.background, np.float32)
        return Layer(picture, np.ones(shape, np.float32))

    def draw(self, layer: Layer, seen: np.ndarray, faces: np.ndarray, colors: np.ndarray, fov: float) -> None:
        """Draw triangles into a layer, hiding what lies behind them.

        Args:
            layer: is changed.
            seen: ``(V, 3)`` float32 camera coordinates, x multiplied by ``stretch``.
            faces: ``(T, 3)`` int32.
            colors: ``(V, 3)`` float32 display colours in [0, 1].
            fov: vertical field of view in degrees.
        """
        import cv2

        if not len(faces):
            return
        culling = cv2.RASTERIZE_CULLING_CW if self.closed else cv2.RASTERIZE_CULLING_NONE
        # The setters return copies.
        settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        settings = settings.setCullingMode(culling)
        # Otherwise all depths would be converted before and after.
        settings = settings.setGlCompatibleMode(cv2.RASTERIZE_COMPAT_INVDEPTH)
        lens = (float(np.deg2rad(fov)), Camera.near, Camera.far)
        cv2.triangleRasterize(seen, faces, colors, layer.picture, layer.depth, _EYE, *lens, settings)

    def reduced(self, layer: Layer) -> np.ndarray:
        """The picture ``(size, size, 3)`` uint8 of a layer."""
        import cv2

        if self.across == 2 and self.down == 1:
            # Halfway between two samples, linear interpolation is their mean, and faster than INTER_AREA.
            small = cv2.resize(layer.picture, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
            cv2.sepFilter2D(small, -1, _ACROSS, _DOWN, small)
            return cv2.convertScaleAbs(small, alpha=255)
        pixels = cv2.convertScaleAbs(layer.picture, alpha=255)
        if self.across == self.down == 1:
            return pixels
        return cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class Layer:
    """A picture ``(H, W, 3)`` of display colours, and how far its pixels are: ``(H, W)``, 1 at the far end.

    Both are float32; depth is kept as the rasteriser compares it, 1 - near / z but for a factor.
    """

    picture: np.ndarray
    depth: np.ndarray

    def copy(self) -> Layer:
        """Another one to draw into."""
        return Layer(self.picture.copy(), self.depth.copy())


_EYE = np.eye(4, dtype=np.float32)

_ACROSS, _DOWN = np.float32([1]), np.float32([1, 14, 1]) / 16
"""Softens what one sample in a column makes ragged: nearly what twice as many would give an edge."""
