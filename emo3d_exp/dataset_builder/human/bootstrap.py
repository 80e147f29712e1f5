"""Percentile bootstrap intervals of any figure of some items."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

REPLICATES, LEVEL = 1000, 0.95


def estimated(
    figure: Callable[[np.ndarray], float], count: int, seed: int = 0
) -> dict[str, float | int | None]:
    """A figure with its 95 % interval over items drawn with replacement.

    Args:
        figure: its value on some items, given as (n,) int64 rows of ``count``; NaN where it is not defined.
        seed: of the draws, the same for every figure of the same items, so that draws are paired.

    Returns:
        ``value``, ``low``, ``high`` (None where not defined) and ``items``. Draws in which the figure is not
        defined are left out of the interval.
    """
    rng = np.random.default_rng(seed)
    value = figure(np.arange(count)) if count else float("nan")
    draws = [figure(rng.integers(0, count, count)) for _ in range(REPLICATES if count else 0)]
    known = np.array([draw for draw in draws if np.isfinite(draw)])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    told = {"value": value, "low": low, "high": high}
    return {
        **{name: float(each) if np.isfinite(each) else None for name, each in told.items()},
        "items": count,
    }
