import io
import re
import struct
import zlib

import cv2
import numpy as np
import pytest
from build_beginnings import picture
from PIL import Image

from emo3d_exp.dataset_builder.image_checks import image_key, image_problem


def _encoded(mode, size=(90, 70), form="PNG", value=None):
    rng = np.random.default_rng(1)
    shape = {"L": size[::-1], "I;16": size[::-1], "RGB": (*size[::-1], 3), "RGBA": (*size[::-1], 4)}[mode]
    kind, top = (np.uint16, 65535) if mode == "I;16" else (np.uint8, 255)
    pixels = np.full(shape, value, kind) if value is not None else rng.integers(0, top, shape, dtype=kind)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, form)
    return data.getvalue()


def _huge_header(width, height):
    """A PNG of next to no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (head, b"IDAT" + zlib.compress(bytes(99)), b"IEND")
    packed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "JPEG"), ("RGB", "PNG"), ("RGB", "WEBP"), ("L", "JPEG"), ("RGBA", "PNG"), ("I;16", "PNG")],
)
def test_good_images_of_every_kind(mode, form):
    encoded = _encoded(mode, form=form)
    assert image_problem(encoded, 64) is None
    assert cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).shape == (70, 90, 3)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "empty: 0 bytes"),
        (b"this is a text, not a picture", "no image: neither JPEG, PNG nor WebP"),
        (_encoded("RGB", form="GIF"), "no image: neither"),
        (picture(suffix=".jpg")[:3000], "cannot be decoded: .*truncated"),
        (picture()[:3000], "cannot be decoded"),
        (_encoded("RGB", (1, 1)), "too small: 1 x 1 pixels, below 64"),
        (_encoded("RGB", (200, 63)), "too small: 200 x 63"),
        (_encoded("RGB", value=130), "blank: one colour"),
        (_encoded("L", value=0), "blank"),
        (_huge_header(9000, 8000), "too large: 9000 x 8000"),
        (_huge_header(200_000, 200_000), "too large"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "cannot be decoded|no image"),
    ],
)
def test_hostile_images_are_refused_in_words(encoded, reason):
    assert re.search(reason, image_problem(encoded, 64))


def test_the_key_follows_the_content():
    assert image_key(picture(1)) == image_key(picture(1)) != image_key(picture(2))
    assert len(image_key(b"x")) == 32
