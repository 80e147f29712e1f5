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
        # By rows: single pixels would be copied one at a time.
        picture[:] = np.tile(np.float32(look.background), (shape[1], 1))
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

    def backdrop(
        self, look: Look, seen: np.ndarray, faces: np.ndarray, colors: np.ndarray, rim: np.ndarray
    ) -> Layer:
        """A layer with triangles (as for :meth:`draw`) that much is drawn over: its colours are the means of
        as many samples down a column as there are along a row, or more.

        Args:
            rim: ``(R, 3)`` those of ``faces`` that continue in what comes over them. A mean with the
                background there would show as a dotted line.
        """
        layer = self.blank(look)
        if self.down == self.across:
            self.draw(layer, seen, faces, colors, look.fov)
            return layer
        fine = Canvas(self.size, self.across, self.down * -(-self.across // self.down), self.closed)
        smooth = fine.blank(look)
        fine.draw(smooth, seen * np.float32([fine.stretch / self.stretch, 1, 1]), faces, colors, look.fov)
        rows = (self.size * self.down, -1, self.size * self.across)
        np.mean(smooth.picture.reshape(*rows, 3), axis=1, out=layer.picture)
        np.max(smooth.depth.reshape(rows), axis=1, out=layer.depth)
        self.draw(layer, seen, rim, colors, look.fov)
        return layer

    def rows(self, seen: np.ndarray, fov: float) -> slice:
        """The rows of the picture that drawing triangles between the points ``seen`` may change."""
        if not len(seen):
            return slice(0, 0)
        slope = seen[:, 1] / seen[:, 2] * np.float32(self.size / 2 / np.tan(np.deg2rad(fov) / 2))
        first, last = self.size / 2 + slope.min(), self.size / 2 + slope.max()
        return slice(int(np.clip(first - 2, 0, self.size)), int(np.clip(last + 3, 0, self.size)))

    def samples(self, rows: slice) -> slice:
        """The rows of a layer that rows of the picture are made of; softening takes one more on each side."""
        start, stop = max(rows.start - 1, 0), min(rows.stop + 1, self.size)
        return slice(start * self.down, stop * self.down)

    def reduced(self, layer: Layer, rows: slice | None = None) -> np.ndarray:
        """The picture ``(size, size, 3)`` uint8 of a layer, or only some rows of it."""
        import cv2

        rows = slice(0, self.size) if rows is None else rows
        if rows.start >= rows.stop:
            return np.empty((0, self.size, 3), np.uint8)
        samples = self.samples(rows)
        picture, start = layer.picture[samples], samples.start // self.down
        shape = (self.size, len(picture) // self.down)
        if self.across == 2 and self.down == 1:
            # Halfway between two samples, linear interpolation is their mean, and faster than INTER_AREA.
            small = cv2.resize(picture, shape, interpolation=cv2.INTER_LINEAR)
            pixels = cv2.convertScaleAbs(cv2.sepFilter2D(small, -1, _ACROSS, _DOWN), alpha=255)
        else:
            pixels = cv2.convertScaleAbs(picture, alpha=255)
            if self.across > 1:
                pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)
        return pixels[rows.start - start : rows.stop - start]


@dataclass(frozen=True)
class Layer:
    """A picture ``(H, W, 3)`` of display colours, and how far its pixels are: ``(H, W)``, 1 at the far end.

    Both are float32; depth is kept as the rasteriser compares it, 1 - near / z but for a factor.
    """

    picture: np.ndarray
    depth: np.ndarray

    def copy(self, rows: slice = slice(None)) -> Layer:
        """Another one to draw into, of which only ``rows`` are meant to be read."""
        other = Layer(np.empty_like(self.picture), np.empty_like(self.depth))
        other.picture[rows], other.depth[rows] = self.picture[rows], self.depth[rows]
        return other


_EYE = np.eye(4, dtype=np.float32)

_ACROSS, _DOWN = np.float32([1]), np.float32([1, 14, 1]) / 16
"""Softens what one sample in a column makes ragged: nearly what twice as many would give an edge."""
