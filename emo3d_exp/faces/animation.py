"""Faces in motion: frames between expressions, as GIF and MP4."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from emo3d_exp.faces.looks import Look
    from emo3d_exp.faces.renderer import Renderer

GIF_RATE = 50
"""Frames a second: browsers show one of a hundredth of a second, the shortest there is, ten times as long."""


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
    keys = np.asarray(keyframes, np.float32)
    if keys.ndim != 2 or not len(keys):
        raise ValueError(f"expected (K, 52) keyframes, at least one, got {keys.shape}")
    if fps < 1 or seconds <= 0 or hold < 0:
        raise ValueError(f"fps={fps}, seconds={seconds}, hold={hold}: the first two must be above 0")
    times = np.cumsum([0.0, hold, *([seconds, hold] * (len(keys) - 1))])
    _, path = eased(times, keys.repeat(2, axis=0), fps)
    distinct, place = np.unique(path, axis=0, return_inverse=True)
    return renderer.render(distinct, look)[place.reshape(-1)]


def eased(times: np.ndarray, poses: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (F,) float64 in seconds at ``fps``, and the poses (F, 52) float32 at them.

    Args:
        times: ``(K,)`` ascending from 0, at least two: when each of the ``poses`` is reached.
        poses: ``(K, 52)``; the way between two of them is ``a + (3 u^2 - 2 u^3) (b - a)`` with u from 0
            to 1: at rest at both ends. The last frame is at or just after the last pose, and equal to it.
    """
    at = np.arange(frame_count(times[-1], fps)) / fps
    start = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    passed = np.clip((at - times[start]) / (times[start + 1] - times[start]).clip(1e-9), 0, 1)
    way = (passed * passed * (3 - 2 * passed))[:, None]
    return at, (poses[start] * (1 - way) + poses[start + 1] * way).astype(np.float32)


def frame_count(seconds: float, fps: float) -> int:
    """Frames at ``fps`` from 0 to ``seconds`` or just after, both counted."""
    return int(np.ceil(seconds * fps - 1e-6)) + 1


def write_gif(path: Path | str, frames: np.ndarray, fps: int = 25) -> None:
    """Write ``(F, H, W, 3)`` uint8 RGB as an endless GIF.

    GIF counts in hundredths of a second; frames last longer and shorter in turn, so that ``fps`` holds on
    the whole.

    Raises:
        ConfigError: ``fps`` is above :data:`GIF_RATE`.
    """
    from PIL import Image

    frames = _checked(frames, fps)
    check_gif_rate(fps)
    ends = np.round(np.arange(len(frames) + 1) * 100 / fps).astype(int)
    # One palette for all frames, or colours flicker.
    step = max(1, len(frames) // 8)
    palette = Image.fromarray(np.concatenate(list(frames[::step]))).quantize(255, dither=Image.Dither.NONE)
    pages = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = (10 * np.diff(ends)).tolist()
    with write_atomically(path) as partial:
        pages[0].save(partial, "GIF", save_all=True, append_images=pages[1:], duration=durations, loop=0)


def check_gif_rate(fps: float) -> None:
    """Raises ConfigError above :data:`GIF_RATE`."""
    if fps > GIF_RATE:
        raise ConfigError(
            f"fps={fps}: a GIF has at most {GIF_RATE} frames a second, browsers slow down faster ones; give "
            "a smaller fps=… or write an .mp4"
        )


def write_mp4(path: Path | str, frames: np.ndarray, fps: int = 25) -> None:
    """Write ``(F, H, W, 3)`` uint8 RGB as MPEG-4 video.

    Raises:
        ConfigError: an odd number of pixels, which would lose a row or column.
        DataError: this build of OpenCV has no codec for it.
    """
    import cv2

    frames = _checked(frames, fps)
    height, width = frames.shape[1:3]
    check_mp4_size(width, height)
    with write_atomically(path) as partial:
        writer = cv2.VideoWriter(str(partial), cv2.VideoWriter_fourcc(*"mp4v"), float(fps), (width, height))
        if not writer.isOpened():
            raise DataError(f"{path}: this build of OpenCV cannot write MPEG-4 video; write a .gif instead")
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()


def check_mp4_size(width: int, height: int) -> None:
    """Raises ConfigError where one of them is odd."""
    if width % 2 or height % 2:
        raise ConfigError(
            f"MP4 needs even numbers of pixels, not {width} x {height}: give size={width + width % 2}"
        )


def _checked(frames: np.ndarray, fps: int) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"expected (F, H, W, 3) uint8 frames, got {frames.shape} {frames.dtype}")
    if fps < 1:
        raise ValueError(f"fps must be at least 1, got {fps}")
    return frames
