"""How sure a mean is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

REPLICATES_AT_ONCE = 200
MOST_HELD = 1 << 21
"""Numbers of one set of draws that are held for the next interval over as many samples: 16 MiB."""


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
    means = [(weights @ sums) / (weights @ counts) for weights in _draws(len(sums), replicates, seed)]
    tail = (1 - level) / 2
    lower, upper = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(lower), float(upper)


def _draws(samples: int, replicates: int, seed: int) -> Iterable[np.ndarray]:
    """How often each sample is drawn, in blocks (draws, samples): the same for the same arguments."""
    few = samples * replicates <= MOST_HELD
    return _held_draws(samples, replicates, seed) if few else _new_draws(samples, replicates, seed)


@lru_cache(maxsize=2)
def _held_draws(samples: int, replicates: int, seed: int) -> tuple[np.ndarray, ...]:
    return tuple(_new_draws(samples, replicates, seed))


def _new_draws(samples: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    rng, chances = np.random.default_rng(seed), np.full(samples, 1 / samples)
    for start in range(0, replicates, REPLICATES_AT_ONCE):
        yield rng.multinomial(samples, chances, size=min(REPLICATES_AT_ONCE, replicates - start))
