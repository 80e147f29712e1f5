"""How sure a mean is."""

from __future__ import annotations

import numpy as np

REPLICATES_AT_ONCE = 200


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean.

    Whole samples are drawn, not rows: texts of one sample share their face, and rows drawn one by one
    would make the interval too narrow. Given the differences of two systems on the same prompts it is the
    interval of their paired difference.

    Args:
        values: (N,) one a prompt. groups: (N,) sample ids. level: of the interval, in (0, 1).
        replicates: draws. seed: of the draws; the same for every system, so that draws are paired.

    Returns:
        lower and upper end.
    """
    values = np.asarray(values, dtype=np.float64)
    _, group = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(group, weights=values), np.bincount(group)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, replicates, REPLICATES_AT_ONCE):
        draws = min(REPLICATES_AT_ONCE, replicates - start)
        weights = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
        means.append((weights @ sums) / (weights @ counts))
    tail = (1 - level) / 2
    lower, upper = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(lower), float(upper)
