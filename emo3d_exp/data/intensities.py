"""The check of a row's eight intensities, whichever table they stand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from emo3d_exp.vocab import EMOTIONS

TOLERANCE = 1e-6
"""What an intensity may lie outside [0, 1], by rounding; it is then clipped."""


def checked_intensities(
    cells: Mapping[str, object], report: Callable[[str, str], None], numbers_only: bool = False
) -> np.ndarray:
    """(8,) float64 intensities in [0, 1], in the order of ``EMOTIONS``; 0 where a cell is bad.

    Args:
        cells: by emotion; None where there is none.
        report: told the column and the reason of everything that is wrong.
        numbers_only: refuse numbers that are given as text.
    """
    values, good = np.zeros(len(EMOTIONS)), True
    for index, emotion in enumerate(EMOTIONS):
        value = _number(cells[emotion], numbers_only)
        if value is None:
            missing = cells[emotion] is None
            report(emotion, "no intensity" if missing else f"{cells[emotion]!r} is not a number")
        elif not -TOLERANCE <= value <= 1 + TOLERANCE:
            report(emotion, f"intensity {value:g} is outside [0, 1]")
        else:
            values[index] = min(max(value, 0.0), 1.0)
            continue
        good = False
    if good and not values.any():
        report(f"{EMOTIONS[0]}…{EMOTIONS[-1]}", "all intensities are zero, which is no distribution")
    return values


def _number(cell: object, numbers_only: bool) -> float | None:
    if numbers_only and not isinstance(cell, int | float):
        return None
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
