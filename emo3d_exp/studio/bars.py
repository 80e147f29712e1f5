"""Emotions as bars, in HTML that needs nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np

from emo3d_exp.vocab import EMOTIONS

COLORS = {
    "neutral": "#8d99a6",
    "happiness": "#e8b021",
    "surprise": "#e07b39",
    "sadness": "#4a7fc1",
    "anger": "#cf4a43",
    "disgust": "#6f9a3e",
    "fear": "#7d5fb2",
    "contempt": "#a0716b",
}

BAR = (
    '<div style="height:{height}px;border-radius:3px;background:rgba(128,128,128,.16);margin:1px 0">'
    '<div style="width:{width:.1f}%;height:100%;border-radius:3px;background:{color};opacity:{opacity};'
    'transition:width .35s ease"></div></div>'
)
HEIGHTS, OPACITIES = (9, 5, 5), (1.0, 0.55, 0.3)


def emotion_bars(readings: Mapping[str, np.ndarray], note: str) -> str:
    """HTML of the eight emotions, one bar for each reading under each name.

    Args:
        readings: what was read → ``(8,)`` distribution; the first is drawn strongest.
        note: said below.
    """
    names = [html.escape(name) for name in readings]
    legend = " · ".join(f"{mark} {name}" for mark, name in zip("█▓░", names, strict=False))
    rows = "".join(_row(index, emotion, list(readings.values())) for index, emotion in enumerate(EMOTIONS))
    return (
        f'<div class="emo3d-reading" style="padding:.2em .9em .6em;font-size:12px">'
        f'<div style="opacity:.75;margin-bottom:.4em">{legend}</div>{rows}'
        f'<div style="opacity:.65;font-size:11px;margin-top:.5em">{html.escape(note)}</div></div>'
    )


def _row(index: int, emotion: str, readings: list[np.ndarray]) -> str:
    shares = [100 * float(reading[index]) for reading in readings]
    bars = "".join(
        BAR.format(height=height, width=share, color=COLORS[emotion], opacity=opacity)
        for share, height, opacity in zip(shares, HEIGHTS, OPACITIES, strict=False)
    )
    numbers = " · ".join(f"{share:.0f}" for share in shares)
    return (
        '<div style="display:flex;align-items:center;gap:.6em;margin:2px 0">'
        f'<div style="width:5.4em">{emotion}</div><div style="flex:1">{bars}</div>'
        f'<div style="min-width:2.4em;text-align:right;font-size:11px;opacity:.75">{numbers} %</div></div>'
    )


def note(text: str) -> str:
    """HTML of a line of plain text; empty for none."""
    if not text:
        return ""
    return f'<div style="padding:.1em 1em .3em;font-size:12px;opacity:.8">{html.escape(text)}</div>'
