"""Faces in motion: frames between expressions, as GIF and MP4."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from emo3d_exp.faces.looks import Look
    from emo3d_exp.faces.renderer import Renderer


def animate(
    renderer: Renderer,
    keyframes: np.ndarray,
    seconds: float = 0.8,
    fps: int = 25,
    hold: float = 0.4,
    look: Look | None = None,
) -> np.ndarray:
    """Draw a face that moves from one expression to the next, easing in and out.

    Args:
        renderer: draws it.
        keyframes: ``(K, 52)`` blendshapes in [0, 1], at least one.
        seconds: from one expression to the next.
        fps: frames per second.
        hold: seconds that each expression stays.
        look: of the person.

    Returns:
        ``(F, H, W, 3)`` uint8 RGB; the first frame is the first keyframe, the last the last.
    """
    path = tween(keyframes, max(1, round(seconds * fps)), max(1, round(hold * fps)))
    distinct, place = np.unique(path, axis=0, return_inverse=True)
    return renderer.render(distinct, look)[place.reshape(-1)]


def tween(keyframes: np.ndarray, moving: int, still: int) -> np.ndarray:
    """Blendshapes ``(F, 52)`` of ``still`` frames at each keyframe, ``moving`` steps from one to the next.

    A step at time ``t`` in [0, 1] lies ``t^2 (3 - 2t)`` of the way.
    """
    keys = np.asarray(keyframes, np.float32)
    if keys.ndim != 2 or not len(keys):
        raise ValueError(f"expected keyframes (K, 52), got {keys.shape}")
    if moving < 1 or still < 1:
        raise ValueError(f"{moving} moving and {still} still frames: both must be at least 1")
    time = np.arange(1, moving, dtype=np.float32)[:, None] / moving
    way = time * time * (3 - 2 * time)
    frames = [np.repeat(keys[:1], still, axis=0)]
    for start, end in pairwise(keys):
        frames += [start + way * (end - start), np.repeat(end[None], still, axis=0)]
    return np.concatenate(frames)


def write_gif(path: Path | str, frames: np.ndarray, fps: int = 25) -> None:
    """Write ``(F, H, W, 3)`` uint8 RGB as an endless GIF. Players round to hundredths of a second."""
    from PIL import Image

    frames = _checked(frames, fps)
    # One palette for all frames, or colours flicker.
    step = max(1, len(frames) // 8)
    palette = Image.fromarray(np.concatenate(list(frames[::step]))).quantize(255, dither=Image.Dither.NONE)
    pages = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with write_atomically(path) as partial:
        pages[0].save(
            partial, "GIF", save_all=True, append_images=pages[1:], duration=round(1000 / fps), loop=0
        )


def write_mp4(path: Path | str, frames: np.ndarray, fps: int = 25) -> None:
    """Write ``(F, H, W, 3)`` uint8 RGB as MPEG-4 video.

    Raises:
        DataError: this build of OpenCV has no codec for it.
    """
    import cv2

    frames = _checked(frames, fps)
    height, width = frames.shape[1:3]
    with write_atomically(path) as partial:
        writer = cv2.VideoWriter(str(partial), cv2.VideoWriter_fourcc(*"mp4v"), float(fps), (width, height))
        if not writer.isOpened():
            raise DataError(f"{path}: this build of OpenCV cannot write MPEG-4 video; write a .gif instead")
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()


def _checked(frames: np.ndarray, fps: int) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"expected (F, H, W, 3) uint8 frames, got {frames.shape} {frames.dtype}")
    if fps < 1:
        raise ValueError(f"fps must be at least 1, got {fps}")
    return frames
