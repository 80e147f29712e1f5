"""Files of a face to take away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emo3d_exp.studio.appearance import Appearance

PICTURE_SIZE = 1024


@dataclass(frozen=True)
class Download:
    """A kind of file: what its button says, how its name ends, and how it is made of (face, head, text)."""

    label: str
    suffix: str
    make: Callable[[np.ndarray, Appearance, str], bytes]


def picture(face: np.ndarray, appearance: Appearance, text: str) -> bytes:
    """A PNG of :data:`PICTURE_SIZE` pixels a side."""
    import io

    from PIL import Image

    from emo3d_exp.faces import Renderer

    out = io.BytesIO()
    Image.fromarray(Renderer(appearance.rig, size=PICTURE_SIZE).render(face)[0]).save(out, format="PNG")
    return out.getvalue()


DOWNLOADS: tuple[Download, ...] = (Download("Portrait (PNG)", ".png", picture),)


def file_name(text: str, suffix: str) -> str:
    """A name that every system takes: words of the text in ASCII, or ``face``.

    >>> file_name("A faint, bitter smile!", ".png")
    'a_faint_bitter_smile.png'
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    return ("_".join(words)[:48].strip("_") or "face") + suffix
