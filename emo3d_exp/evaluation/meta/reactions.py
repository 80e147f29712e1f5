"""How strongly a score reacts to a change, and how well it tells two kinds of changes apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Interval = dict[str, float]
KEPT_AT_ONCE = 256
"""Rows of the pairs of kept and changed faces."""


def effect(differences: np.ndarray, replicates: int, seed: int) -> dict[str, float | None]:
    """Paired effect of a change.

    Args:
        differences: (N,) score of the changed face minus that of the true one.
        replicates, seed: of the bootstrap over rows.

    Returns:
        ``mean`` and ``sd`` of the differences; ``dz``, Cohen's d of paired differences (mean / sd); and the
        ends of 95 % bootstrap intervals ``mean_low``, ``mean_high``, ``dz_low``, ``dz_high``. Those of ``dz``
        are None where all differences are equal.
    """
    differences = np.asarray(differences, dtype=np.float64)
    weights = _draws(len(differences), replicates, seed) / len(differences)
    means = weights @ differences
    spread = np.sqrt(np.maximum(weights @ differences**2 - means**2, 0))
    sd = float(differences.std())
    found: dict[str, float | None] = {"mean": float(differences.mean()), "sd": sd}
    found |= _ends("mean", means)
    if sd < 1e-12:
        return found | {"dz": None, "dz_low": None, "dz_high": None}
    standing = spread > 1e-12
    return found | {"dz": float(differences.mean() / sd)} | _ends("dz", means[standing] / spread[standing])


def auc(kept: np.ndarray, changed: np.ndarray) -> float:
    """Probability that a changed face scores higher than a kept one; ties count half (Mann-Whitney).

    0.5: the score does not tell them apart; 1: it always does. NaN where one of the groups is empty.
    """
    from scipy.stats import rankdata

    kept, changed = np.ravel(kept), np.ravel(changed)
    if not len(kept) or not len(changed):
        return float("nan")
    ranks = rankdata(np.concatenate([changed, kept]))[: len(changed)]
    above = ranks.sum() - len(changed) * (len(changed) + 1) / 2
    return float(above / (len(kept) * len(changed)))


def auc_interval(
    statistic: Callable[[np.ndarray], float], count: int, replicates: int, seed: int
) -> Interval:
    """A statistic of prompts with its 95 % bootstrap interval.

    Args:
        statistic: gives its value for (count,) rows of prompts, some of them repeated; all changes of a
            prompt are drawn together, since they share its face.

    Returns:
        ``value``, ``low``, ``high``; NaN where the statistic is.
    """
    value, rng = statistic(np.arange(count)), np.random.default_rng(seed)
    if np.isnan(value):
        return dict.fromkeys(("value", "low", "high"), value)
    drawn = [statistic(rng.integers(0, count, count)) for _ in range(replicates)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}


def rescued(
    kept: np.ndarray, changed: np.ndarray, kept_error: np.ndarray, changed_error: np.ndarray
) -> dict[str, float | None]:
    """What one score knows where the other one errs, over all pairs of a kept and a changed face.

    Args:
        kept, changed: (A,) and (B,) of the first score. kept_error, changed_error: of the second, same rows.

    Returns:
        ``second_wrong``: share of pairs in which the second does not put the changed face higher (ties are
        wrong); ``first_right_there``: share of these in which the first does; and the same the other way
        round, ``first_wrong`` and ``second_right_there``. None where there is no such pair.
    """
    kept, changed, kept_error, changed_error = map(np.ravel, (kept, changed, kept_error, changed_error))
    both = first_right = second_right = 0
    for start in range(0, len(kept), KEPT_AT_ONCE):  # of whole matrices of pairs there would be gigabytes
        part = slice(start, start + KEPT_AT_ONCE)
        first = changed > kept[part, None]
        second = changed_error > kept_error[part, None]
        both += int((first & second).sum())
        first_right += int(first.sum())
        second_right += int(second.sum())
    pairs = len(kept) * len(changed)

    def share(count: int, among: int) -> float | None:
        return count / among if among else None

    return {
        "second_wrong": share(pairs - second_right, pairs),
        "first_right_there": share(first_right - both, pairs - second_right),
        "first_wrong": share(pairs - first_right, pairs),
        "second_right_there": share(second_right - both, pairs - first_right),
    }


def found_at(kept: np.ndarray, changed: np.ndarray, alarms: float) -> float:
    """Share of changed faces above the threshold that at most a share ``alarms`` of the kept ones exceeds.

    NaN where one of the groups is empty.
    """
    kept, changed = np.sort(np.ravel(kept)), np.ravel(changed)
    if not len(kept) or not len(changed):
        return float("nan")
    allowed = int(np.floor(alarms * len(kept) + 1e-9))
    return float((changed > kept[len(kept) - 1 - min(allowed, len(kept) - 1)]).mean())


def roc(kept: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true alarms, both from 0 to 1, as the threshold falls from above all scores to below."""
    kept, changed = np.sort(np.ravel(kept)), np.sort(np.ravel(changed))
    levels = np.unique(np.concatenate([kept, changed]))[::-1]
    alarms = [1 - np.searchsorted(each, levels, side="left") / len(each) for each in (kept, changed)]
    return np.concatenate([[0.0], alarms[0]]), np.concatenate([[0.0], alarms[1]])


def rank_correlation(amounts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row of (N, S) values with (S,) amounts: (N,) in [-1, 1].

    A row that never moves knows nothing of the amount and gets 0.
    """
    from scipy.stats import rankdata

    wanted = rankdata(amounts) - (len(amounts) + 1) / 2
    ranks = rankdata(np.atleast_2d(values), axis=1) - (len(amounts) + 1) / 2
    lengths = np.linalg.norm(ranks, axis=1) * np.linalg.norm(wanted)
    return np.where(lengths < 1e-12, 0.0, ranks @ wanted / np.maximum(lengths, 1e-300))


def _draws(count: int, replicates: int, seed: int) -> np.ndarray:
    """(replicates, count): how often each row is drawn."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=replicates)


def _ends(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return {f"{name}_low": float(low), f"{name}_high": float(high)}
