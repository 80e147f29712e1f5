"""Which settings of a sweep mattered, by a random forest.

The forest learns to tell a metric from the settings. What it is worth stands beside it: the share of the
metric's variance that it explains in runs which a tree has not seen (out of bag). The importance of a setting
is by how much that share falls when the setting's values are dealt out anew among the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emo3d_exp.comparison.cells import setting
from emo3d_exp.comparison.run import Plain, Run
from emo3d_exp.comparison.table import ABSENT
from emo3d_exp.evaluation.wording import counted

LEAST = 10
"""Runs from which on a forest is asked."""
TREES, DEALS, POINTS = 200, 5, 15
MANY = 30
"""Settings that are asked for at most."""
LEFT_OUT = "Which settings mattered: left out, "
MEANING = (
    "A random forest learns to tell {metric} from the settings. In runs that a tree has not seen it explains "
    "{share:.0%} of the variance (R² out of bag). Importance: by how much that share falls when the values "
    "of a setting are dealt out anew among the runs; by more than 1 where it then tells less than the mean. "
    "Settings that go along with each other share theirs, and a seed's shows what chance looks like. "
    "Red: what the forest expects on average, all else as in the runs."
)


@dataclass(frozen=True)
class Importance:
    """What mattered for a metric.

    Attributes:
        metric: that was told. runs: that have it. share: R² out of bag, above 0. drops: setting → mean fall
            of that share over several deals, highest first; about 0, and also below, where nothing was lost.
        expected: setting → (value, the forest's mean expectation), over numbers or over the values met.
    """

    metric: str
    runs: int
    share: float
    drops: Mapping[str, float]
    expected: Mapping[str, list[tuple[Plain, float]]]

    def in_words(self) -> str:
        """What the figures mean."""
        return MEANING.format(metric=self.metric, share=self.share)


def importance(runs: Sequence[Run], keys: Sequence[str], metric: str) -> Importance | str:
    """Ask a forest. In place of an answer comes a line that says why there is none."""
    runs = [run for run in runs if metric in run.metrics]
    if len(runs) < LEAST:
        have = counted(len(runs), "run has", "runs have")
        return f"{LEFT_OUT}{have} {metric or 'a metric'}, and {LEAST} are needed."
    keys = [key for key in keys if len({_told(run, key) for run in runs}) > 1][:MANY]
    target = np.array([run.metrics[metric] for run in runs])
    if not keys or not np.ptp(target):
        return LEFT_OUT + (f"{metric} is the same for all." if keys else "no setting differs.")
    try:
        from sklearn.ensemble import RandomForestRegressor
    except ImportError:
        return f"{LEFT_OUT}it needs scikit-learn: pip install scikit-learn"
    tables = [_columns(runs, key) for key in keys]
    table = np.hstack(tables).astype(np.float32)
    forest = RandomForestRegressor(
        TREES, min_samples_leaf=2, max_features=0.5, bootstrap=True, random_state=0
    )
    forest.fit(table, target)
    bags = [np.setdiff1d(np.arange(len(runs)), drawn) for drawn in forest.estimators_samples_]
    share = _share(forest, bags, table, target)
    if not share > 0:
        return (
            f"{LEFT_OUT}a forest over the settings tells {metric} of unseen runs no "
            f"better than their mean (R² out of bag {share:.2f})."
        )
    ends = np.cumsum([own.shape[1] for own in tables])
    blocks = {key: slice(end - own.shape[1], end) for key, own, end in zip(keys, tables, ends, strict=True)}
    drops = {key: share - _dealt(forest, bags, table, target, block) for key, block in blocks.items()}
    ranked = dict(sorted(drops.items(), key=lambda item: -item[1]))
    expected = {key: _expected(forest, table, runs, key, blocks[key]) for key in ranked}
    return Importance(metric, len(runs), share, ranked, expected)


def _told(run: Run, key: str) -> Plain:
    """A value as a category: its text."""
    return setting(run.config[key]) if key in run.config else ABSENT


def _numbers(runs: Sequence[Run], key: str) -> bool:
    values = [run.config.get(key) for run in runs]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _columns(runs: Sequence[Run], key: str) -> np.ndarray:
    """(N, 1) numbers, or (N, C) with a 1 for the category of each run."""
    if _numbers(runs, key):
        return np.array([[float(run.config[key])] for run in runs])  # type: ignore[arg-type]
    told = [_told(run, key) for run in runs]
    return np.array([[value == category for category in sorted(set(told), key=str)] for value in told], float)


def _share(forest: Any, bags: Sequence[np.ndarray], table: np.ndarray, target: np.ndarray) -> float:
    """R² of the mean over the trees that have not seen a run."""
    total, count = np.zeros(len(table)), np.zeros(len(table))
    for tree, bag in zip(forest.estimators_, bags, strict=True):
        if len(bag):
            total[bag] += tree.predict(table[bag], check_input=False)
            count[bag] += 1
    seen = count > 0
    residual = target[seen] - total[seen] / count[seen]
    return float(1 - np.sum(residual**2) / np.sum((target[seen] - target[seen].mean()) ** 2))


def _dealt(
    forest: Any, bags: Sequence[np.ndarray], table: np.ndarray, target: np.ndarray, block: slice
) -> float:
    """The mean share over several deals of one setting's values."""
    rng, shares = np.random.default_rng(0), []
    for _ in range(DEALS):
        dealt = table.copy()
        dealt[:, block] = table[rng.permutation(len(table)), block]
        shares.append(_share(forest, bags, dealt, target))
    return float(np.mean(shares))


def _expected(
    forest: Any, table: np.ndarray, runs: Sequence[Run], key: str, block: slice
) -> list[tuple[Plain, float]]:
    if _numbers(runs, key):
        values = np.unique(table[:, block])
        if len(values) > POINTS:
            values = np.unique(np.quantile(values, np.linspace(0, 1, POINTS), method="nearest"))
        labels, cells = [float(value) for value in values], values[:, None]
    else:
        labels = sorted({_told(run, key) for run in runs}, key=str)
        cells = np.eye(len(labels))
    tables = np.repeat(table[None], len(cells), axis=0)
    tables[:, :, block] = cells[:, None]
    means = forest.predict(tables.reshape(-1, table.shape[1])).reshape(len(cells), -1).mean(axis=1)
    return [(label, float(mean)) for label, mean in zip(labels, means, strict=True)]
