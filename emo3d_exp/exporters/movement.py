"""From neutral to each face in turn and back again."""

from __future__ import annotations

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.faces.animation import eased, frame_count

MAX_FRAMES = 20_000
MOVING = 0.4
"""Part of a face's time that is spent on the way to it; the rest it is held."""


def key_poses(request: ExportRequest) -> tuple[np.ndarray, np.ndarray]:
    """Times (K,) in seconds from 0, and the poses (K, 52) that are reached at them.

    Neutral, then arrival at and departure from each face, then neutral: the end is the start, so that it
    can be played in a loop.
    """
    move, hold = MOVING * request.seconds, (1 - MOVING) * request.seconds
    steps = [0.0, *([move, hold] * len(request)), move]
    neutral = np.zeros((1, request.blendshapes.shape[1]), np.float32)
    poses = np.concatenate([neutral, request.blendshapes.repeat(2, axis=0), neutral])
    return np.cumsum(steps), poses


def frames(request: ExportRequest) -> tuple[np.ndarray, np.ndarray]:
    """Times (F,) float64 at ``fps``, and the poses (F, 52) float32 at them, eased in and out.

    The last frame is at or just after the last key pose, and equal to the first.

    Raises:
        ConfigError: more than :data:`MAX_FRAMES`.
    """
    times, poses = key_poses(request)
    fps = request.fps or 30.0
    if frame_count(times[-1], fps) > MAX_FRAMES:
        raise ConfigError(
            f"{len(request)} faces of {request.seconds} s at {fps} frames a second are more than "
            f"{MAX_FRAMES} frames; give fewer faces, or a smaller seconds=… or fps=…"
        )
    return eased(times, poses, fps)


def without_repeats(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames that straight lines between them need: a frame equal to both neighbours is left out."""
    same = (values[1:] == values[:-1]).all(axis=1)
    kept = np.r_[True, ~(same[:-1] & same[1:]), True]
    return times[kept], values[kept]
