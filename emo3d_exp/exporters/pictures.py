"""Pictures of a face, and of faces in motion."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters.movement import frames
from emo3d_exp.exporters.request import ExportRequest

MAX_PIXELS = 400_000_000
"""Of all pictures of a movement together; they are drawn in memory, at 3 bytes each."""


def png(request: ExportRequest) -> bytes:
    """A portrait of the face, (size, size) pixels."""
    from PIL import Image

    stream = io.BytesIO()
    picture = request.drawing().render(request.blendshapes, request.look)[0]
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()


def gif(request: ExportRequest) -> bytes:
    """The movement as an endless GIF. Raises ConfigError above 50 frames a second."""
    from emo3d_exp.faces.animation import check_gif_rate, write_gif

    check_gif_rate(_rate(request))
    return _moving(request, write_gif, ".gif")


def mp4(request: ExportRequest) -> bytes:
    """The movement as MPEG-4 video.

    Raises:
        ConfigError: an odd size.
        DataError: OpenCV has no codec for it.
    """
    from emo3d_exp.faces.animation import check_mp4_size, write_mp4

    size = request.drawing().size
    check_mp4_size(size, size)
    return _moving(request, write_mp4, ".mp4")


def _rate(request: ExportRequest) -> int:
    """Frames a second of pictures, a whole number."""
    return round(request.fps or 25)


def _moving(request: ExportRequest, write: Callable[..., None], suffix: str) -> bytes:
    rate = _rate(request)
    # Each picture lasts: the last, equal to the first, would be seen twice in a loop.
    poses = frames(replace(request, fps=rate))[1][:-1]
    renderer = request.drawing()
    if len(poses) * renderer.size**2 > MAX_PIXELS:
        raise ConfigError(
            f"{len(poses)} pictures of {renderer.size} x {renderer.size} pixels are too many for one "
            "file; give fewer faces, or a smaller size=…, seconds=… or fps=…"
        )
    distinct, place = np.unique(poses, axis=0, return_inverse=True)
    pictures = renderer.render(distinct, request.look)[place.reshape(-1)]
    with TemporaryDirectory() as folder:
        path = Path(folder, f"face{suffix}")
        write(path, pictures, rate)
        return path.read_bytes()
