"""Whether bytes are an image that can be used."""

from __future__ import annotations

import hashlib
import io

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 64_000_000
"""More than any photograph; a header can announce more than memory holds."""
LEAST_SPREAD = 1.0
"""Standard deviation of grey values, 0 … 255, below which a picture is blank."""


def image_key(encoded: bytes) -> str:
    """32 hex digits that stand for the content."""
    return hashlib.sha256(encoded).hexdigest()[:32]


def image_problem(encoded: bytes, min_size: int) -> str | None:
    """Why an image cannot be used, in words; None where it can.

    It must be a JPEG, PNG or WebP file that decodes to its end, with at least ``min_size`` pixels on both
    sides, and not of one colour.
    """
    if not encoded:
        return "empty: 0 bytes"
    return _header_problem(encoded, min_size) or _pixel_problem(encoded)


def _header_problem(encoded: bytes, min_size: int) -> str | None:
    from PIL import Image, UnidentifiedImageError

    try:
        # With the format given, and PIL's own limit out of the way: it would only warn.
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                return f"too large: {width} x {height} pixels"
            if min(width, height) < min_size:
                return f"too small: {width} x {height} pixels, below {min_size}"
            picture.load()
    except Image.DecompressionBombError:
        return "too large: the header announces more pixels than can be decoded"
    except UnidentifiedImageError:
        return "no image: neither JPEG, PNG nor WebP"
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        return f"cannot be decoded: {error}"
    return None


def _pixel_problem(encoded: bytes) -> str | None:
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return "cannot be decoded"
    if float(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).std()) < LEAST_SPREAD:
        return "blank: one colour"
    return None
