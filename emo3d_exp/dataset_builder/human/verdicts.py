"""What preferences say: win rates, and whether metrics agree with people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.dataset_builder.human.bootstrap import estimated
from emo3d_exp.dataset_builder.human.preferences import Preference
from emo3d_exp.errors import DataError

METRICS = ("emo3d", "mse")
"""Columns of a run's ``per_sample.parquet``; lower is better."""


def verdicts(preferences: Sequence[Preference], per_sample: Mapping[str, Path | str], seed: int = 0) -> dict:
    """Win rates of every pair of systems, and how people's preferences go with the metrics.

    Args:
        per_sample: system → parquet file with ``sample_id``, ``text_number``, ``emo3d`` and ``mse``; systems
            without a file, and metrics that a file lacks, are left out of the second part.

    Returns:
        ``wins``: for each pair, the share of answers for the first system (an answer “same” is half of one)
        with an interval over prompts, and counts; ``metrics``: for each metric over all pairs of systems
        with files: ``spearman`` and ``kendall`` (tau-b) between the mean preference for one system and how
        much lower its value is, ``agreement``: share of prompts on which both prefer the same one, of those
        on which both prefer one at all. Each with a bootstrap interval over questions.

    Raises:
        DataError: a file lacks a prompt of the sheet or cannot be read.
    """
    tables = {system: _values(path) for system, path in per_sample.items()}
    systems = list(dict.fromkeys(name for each in preferences for name in sorted((each.left, each.right))))
    told = {metric: _metric(preferences, tables, metric, seed) for metric in METRICS}
    return {
        "schema": 1,
        "questions": len(preferences),
        "annotators": len(preferences[0].answers) if preferences else 0,
        "wins": [_wins(preferences, *pair, seed) for pair in combinations(sorted(systems), 2)],
        "metrics": {metric: found for metric, found in told.items() if found is not None},
    }


def _wins(preferences: Sequence[Preference], first: str, second: str, seed: int) -> dict[str, Any]:
    chosen = [each for each in preferences if {each.left, each.right} == {first, second}]
    answers = np.array([each.towards(first) for each in chosen]).reshape(len(chosen), -1)
    shares = (answers.mean(axis=1) + 1) / 2 if len(chosen) else np.zeros(0)
    counts = {
        name: int((answers == value).sum()) for name, value in (("first", 1), ("same", 0), ("second", -1))
    }
    return {
        "pair": [first, second],
        "answers": counts,
        "share_of_first": estimated(lambda rows: float(shares[rows].mean()), len(chosen), seed),
    }


def _metric(
    preferences: Sequence[Preference], tables: Mapping[str, Any], metric: str, seed: int
) -> dict[str, Any] | None:
    liked, better = [], []
    for each in preferences:
        if all(metric in tables.get(name, ()) for name in (each.left, each.right)):
            left, right = (_value(tables, name, each, metric) for name in (each.left, each.right))
            liked.append(float(np.mean(each.answers)))
            better.append(right - left)
    if not liked:
        return None
    return correlated(np.array(liked), np.array(better), seed)


def correlated(liked: np.ndarray, better: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Rank correlations and agreement of signs between preferences and differences.

    Which face stood left is chance, so the correlations are over every question in both orders.

    Args:
        liked: (N,) mean preference for the left face in [-1, 1]. better: (N,) right's value less left's.
    """
    from scipy import stats

    def ranked(name: str, rows: np.ndarray) -> float:
        x, y = (np.concatenate([values[rows], -values[rows]]) for values in (liked, better))
        if len(rows) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return float("nan")
        return float(getattr(stats, name)(x, y).statistic)

    both = np.flatnonzero((liked != 0) & (better != 0))
    same = np.sign(liked[both]) == np.sign(better[both])
    return {
        "spearman": estimated(lambda rows: ranked("spearmanr", rows), len(liked), seed),
        "kendall": estimated(lambda rows: ranked("kendalltau", rows), len(liked), seed),
        "agreement": estimated(lambda rows: float(same[rows].mean()), len(both), seed),
    }


def _value(tables: Mapping[str, Any], system: str, asked: Preference, metric: str) -> float:
    key = (asked.sample_id, asked.text_number)
    if key not in tables[system][metric]:
        raise DataError(
            f"the values of {system} lack sample_id {key[0]}, text_number {key[1]}; evaluate it "
            "on these prompts"
        )
    return tables[system][metric][key]


def _values(path: Path | str) -> dict[str, dict[tuple[int, int], float]]:
    """Metric → prompt → value."""
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}; evaluate.py writes per_sample.parquet") from error
    absent = [name for name in ("sample_id", "text_number") if name not in table]
    if absent:
        raise DataError(f"{path} lacks the column {', '.join(absent)}")
    prompts = list(zip(table["sample_id"].astype(int), table["text_number"].astype(int), strict=True))
    return {
        metric: dict(zip(prompts, table[metric].astype(float), strict=True))
        for metric in METRICS
        if metric in table
    }
