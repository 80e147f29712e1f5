"""A histogram as SVG, for a page that carries everything in itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import numpy as np

from emo3d_exp.evaluation.wording import counted

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 250, 44, 34, 46
BINS = 40
COLOURS = ("#222222", "#2e7d4f", "#b0442f", "#7a4fa3")
STEPS = 5


def histogram(values: np.ndarray, label: str, marks: Mapping[str, float], limits: tuple[float, float]) -> str:
    """How often each value occurs, with named lines at some of them.

    Args:
        values: (N,) finite numbers; those outside the limits are counted in the outermost bar.
        label: of the axis. marks: name → where its line stands. limits: ends of the axis.
    """
    low, high = limits
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS, range=limits)

    def across(value: float) -> float:
        return LEFT + (min(max(value, low), high) - low) / (high - low) * (WIDTH - LEFT - 12)

    most = max(int(counts.max()), 1)
    scale = (HEIGHT - BOTTOM - TOP) / most
    base = HEIGHT - BOTTOM
    bars = [
        f'<rect x="{across(start):.1f}" y="{base - count * scale:.1f}" '
        f'width="{across(end) - across(start) - 1:.1f}" height="{count * scale:.1f}" fill="#7fa3c7">'
        f"<title>{start:.4g} to {end:.4g}: {counted(count, 'prompt')}</title></rect>"
        for count, start, end in zip(counts.tolist(), edges[:-1], edges[1:], strict=True)
        if count
    ]
    ticks = [
        f'<text x="{across(value):.1f}" y="{base + 14}" text-anchor="middle">{value:.3g}</text>'
        for value in np.linspace(low, high, STEPS + 1)
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(label)}" font-size="11" font-family="system-ui, sans-serif">'
        f'<line x1="{LEFT}" x2="{WIDTH - 12}" y1="{base}" y2="{base}" stroke="#888"/>'
        f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{most}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>'
        f"{''.join(bars)}{''.join(ticks)}{_lines(marks, across)}"
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(label)}</text></svg>'
    )


def _lines(marks: Mapping[str, float], across: Callable[[float], float]) -> str:
    """Names stand in rows above one another, so that near lines can be told apart."""
    drawn = []
    for number, (name, value) in enumerate(marks.items()):
        x, y = across(value), 10 + 12 * (number % 3)
        colour = COLOURS[number % len(COLOURS)]
        anchor = "end" if x > WIDTH / 2 else "start"
        drawn.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{HEIGHT - BOTTOM}" stroke="{colour}" '
            'stroke-dasharray="4 3"/>'
            f'<text x="{x + (-4 if anchor == "end" else 4):.1f}" y="{y}" text-anchor="{anchor}" '
            f'fill="{colour}">{escape(name)} {value:.3g}</text>'
        )
    return "".join(drawn)
