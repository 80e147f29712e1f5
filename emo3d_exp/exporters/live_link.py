"""Recordings as Epic's Live Link Face app saves them, which MetaHumans play."""

from __future__ import annotations

import numpy as np

from emo3d_exp.exporters.movement import frames
from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.vocab import (
    BLENDSHAPE_INDEX,
    LIVE_LINK_COLUMNS,
    LIVE_LINK_COUNT,
    LIVE_LINK_TICKS,
    LIVE_LINK_TIMECODE,
)

_INDEX = [BLENDSHAPE_INDEX.get(name[0].lower() + name[1:]) for name in LIVE_LINK_COLUMNS]


def live_link_csv(request: ExportRequest) -> bytes:
    """One frame for each face, in their order."""
    return _table(np.arange(len(request)) / (request.fps or LIVE_LINK_TICKS), request.blendshapes)


def live_link_animation(request: ExportRequest) -> bytes:
    """The movement from neutral through all faces and back, at ``fps``."""
    return _table(*frames(request))


def timecode(seconds: float) -> str:
    """``HH:MM:SS:FF.mmm``: FF counts 60ths of a second, mmm thousandths of one; wraps after 24 hours."""
    ticks, fraction = divmod(round(seconds * LIVE_LINK_TICKS * 1000), 1000)
    whole, tick = divmod(ticks, LIVE_LINK_TICKS)
    hours, minutes = whole // 3600 % 24, whole // 60 % 60
    return f"{hours:02d}:{minutes:02d}:{whole % 60:02d}:{tick:02d}.{fraction:03d}"


def _table(times: np.ndarray, poses: np.ndarray) -> bytes:
    """Scores with ten decimals.

    ``TongueOut`` and the angles of head and eyes are 0: the gaze is in the ``EyeLook…`` columns, and no rule
    that turns these into the app's angles is published.
    """
    lines = [",".join((LIVE_LINK_TIMECODE, LIVE_LINK_COUNT, *LIVE_LINK_COLUMNS))]
    for time, pose in zip(times.tolist(), poses.tolist(), strict=True):
        cells = (f"{0.0 if index is None else pose[index]:.10f}" for index in _INDEX)
        lines.append(",".join((timecode(time), str(len(LIVE_LINK_COLUMNS)), *cells)))
    return ("\n".join(lines) + "\n").encode()
