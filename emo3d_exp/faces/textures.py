"""Textures of a glTF document, sampled at vertices."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.faces.accessor_reading import AccessorReader
from emo3d_exp.faces.gltf_entries import Entry
from emo3d_exp.faces.gltf_resources import load_uri

REPEAT, CLAMP, MIRROR = 10497, 33071, 33648
MAX_PIXELS = 1 << 26
MAX_PIXELS_TOGETHER = 1 << 27
"""One image of 8192 x 8192, two in a document."""

LARGEST_SIDE = 2048
"""Pixels kept of an image; finer ones are averaged, since no rig has vertices so close."""

KTX2 = b"\xabKTX 20\xbb"
LARGEST_CELL = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Texture:
    """An image with wrap modes.

    Attributes:
        pixels: ``(H, W, 4)`` uint8 RGBA; the colours are sRGB.
        wrap: modes across and down, as the codes of glTF.
    """

    pixels: np.ndarray
    wrap: tuple[int, int] = (REPEAT, REPEAT)

    def sample(self, uv: np.ndarray) -> np.ndarray:
        """Bilinear samples at ``(N, 2)`` coordinates: ``(N, 4)`` float32 linear RGB and alpha in [0, 1]."""
        height, width = self.pixels.shape[:2]
        left, right, across = _neighbours(uv[:, 0], width, self.wrap[0])
        above, below, down = _neighbours(uv[:, 1], height, self.wrap[1])
        top = _mix(self._linear(above, left), self._linear(above, right), across)
        bottom = _mix(self._linear(below, left), self._linear(below, right), across)
        return _mix(top, bottom, down)

    def averaged(self, uv: np.ndarray, faces: np.ndarray) -> Texture:
        """The texture shrunk until half a triangle edge of this mesh covers a pixel.

        A vertex then carries the mean of the skin around it, as in a mip map, and not a single pore.
        """
        height, width = self.pixels.shape[:2]
        edges = (uv[faces[:, 1]] - uv[faces[:, 0]]) * (width, height)
        cell = int(min(np.median(np.abs(edges).max(axis=1)) / 2, LARGEST_CELL, width, height))
        if cell < 2:
            return self
        from PIL import Image

        return Texture(np.asarray(Image.fromarray(self.pixels).reduce(cell)), self.wrap)

    def _linear(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        pixels = self.pixels[rows, columns]
        linear = _SRGB[pixels]
        linear[:, 3] = pixels[:, 3] / np.float32(255)
        return linear


def _srgb_table() -> np.ndarray:
    code = np.arange(256) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


_SRGB = _srgb_table()


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + (second - first) * share[:, None]


def _neighbours(place: np.ndarray, size: int, mode: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two pixels around each place, and how far it is towards the second."""
    if mode == CLAMP:
        inside = np.clip(place, 0, 1)
    elif mode == MIRROR:
        inside = 1 - np.abs(1 - np.mod(place, 2))
    else:
        inside = np.mod(place, 1)
    exact = inside * size - 0.5
    first = np.floor(exact).astype(np.int64)
    share = (exact - first).astype(np.float32)
    if mode == REPEAT:
        return first % size, (first + 1) % size, share
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), share


class TextureReader:
    """Loads the textures of one document: each image once, within :data:`MAX_PIXELS_TOGETHER`."""

    def __init__(self, reader: AccessorReader) -> None:
        self.reader, self.container = reader, reader.container
        self._images: dict[int, np.ndarray | None] = {}
        self._pixels = 0

    def texture(self, info: Entry) -> Texture | None:
        """The texture of a textureInfo; None, with a warning, where it is KTX2 alone.

        Raises:
            DataError: the image is missing, too large, no PNG, JPEG or WebP, or damaged.
        """
        texture = self.container.item("textures", info.integer("index"))
        webp = texture.extension("EXT_texture_webp")
        source = webp if webp is not None else texture
        pixels = None
        if "source" in source:
            pixels = self._image(source.integer("source"))
        if pixels is None:
            _log.warning("%s: %s is not PNG, JPEG or WebP; its material's colour is shown instead",
                         texture.path, texture.place)  # fmt: skip
            return None
        return Texture(pixels, self._wrap(texture))

    def _wrap(self, texture: Entry) -> tuple[int, int]:
        if "sampler" not in texture:
            return REPEAT, REPEAT
        sampler = self.container.item("samplers", texture.integer("sampler"))
        modes = sampler.integer("wrapS", REPEAT), sampler.integer("wrapT", REPEAT)
        if not set(modes) <= {REPEAT, CLAMP, MIRROR}:
            sampler.fail(f"has the unknown wrap modes {modes}")
        return modes

    def _image(self, index: int) -> np.ndarray | None:
        if index not in self._images:
            image = self.container.item("images", index)
            data = (
                load_uri(image.text("uri"), image)
                if "uri" in image
                else bytes(self.reader.view_bytes(image.integer("bufferView")))
            )
            self._images[index] = None if data.startswith(KTX2) else self._decode(data, image)
        return self._images[index]

    def _decode(self, data: bytes, image: Entry) -> np.ndarray:
        from PIL import Image

        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
                size = picture.width * picture.height
                self._pixels += size
                if size > MAX_PIXELS or self._pixels > MAX_PIXELS_TOGETHER:
                    image.fail(f"makes too many pixels: {picture.width} x {picture.height}; scale it down")
                cell = -(-max(picture.size) // LARGEST_SIDE)
                averages = picture.mode in ("L", "RGB", "RGBA") and "transparency" not in picture.info
                whole = picture if averages else picture.convert("RGBA")
                return np.asarray(whole.reduce(cell).convert("RGBA"))
        except DataError:
            raise
        # Pillow's decoders raise whatever comes up in damaged data: OSError, ValueError, SyntaxError, …
        except Exception as error:
            reason = type(error).__name__
            raise DataError(
                f"{image.path}: {image.place} is no readable PNG, JPEG or WebP ({reason})"
            ) from error
