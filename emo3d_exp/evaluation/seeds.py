"""Runs that differ by their seed alone, as one line: mean ± standard deviation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.leaderboard import Entry, Leaderboard
from emo3d_exp.evaluation.pairing import KEYS, read_values
from emo3d_exp.evaluation.wording import counted

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

FIGURES: dict[str, tuple[str, str]] = {
    "mse": ("MSE ↓", ".4f"),
    "emo3d": ("Emo3D ↓", ".3f"),
    "r_at_10": ("R@10 ↑", ".3f"),
    "emotion_accuracy": ("right ↑", ".3f"),
    "parameters": ("parameters", ",.0f"),
    "train_seconds": ("seconds", ".1f"),
}
"""Key of ``metrics.json`` or ``model.json``: heading and format. An arrow points where better is."""


@dataclass(frozen=True)
class System:
    """Runs of one system that differ by their seed alone, scored under the same conditions."""

    name: str
    conditions: str
    runs: tuple[Entry, ...]

    @property
    def score(self) -> float:
        """Mean of what entries are ranked by."""
        return float(np.mean([run.score for run in self.runs]))

    def figures(self) -> dict[str, tuple[float, float]]:
        """Mean and sample standard deviation over seeds (0 of one seed) of each figure that all runs have."""
        told = [{**run.training, **run.metrics} for run in self.runs]
        found = {}
        for key in FIGURES:
            if all(key in figures for figures in told):
                values = [float(figures[key]) for figures in told]
                found[key] = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return found


def systems(board: Leaderboard) -> tuple[System, ...]:
    """The runs of a leaderboard by system, best first within the same conditions.

    Of several runs of one system and seed the first one counts: the others repeat it.
    """
    groups: dict[tuple[str, str], dict[object, Entry]] = {
        (entry.conditions, entry.settings): {} for entry in board.entries
    }
    for entry in sorted(board.entries, key=lambda entry: str(entry.path)):
        runs = groups[entry.conditions, entry.settings]
        runs.setdefault(entry.path if entry.seed is None else entry.seed, entry)
    repeated = len(board.entries) - sum(map(len, groups.values()))
    if repeated:
        told = counted(repeated, "run repeats", "runs repeat")
        log.info("%s another one's settings and seed; systems count each seed once", told)
    names = _names([next(iter(runs.values())) for runs in groups.values()])
    found = [
        System(name, letter, tuple(runs.values()))
        for name, ((letter, _), runs) in zip(names, groups.items(), strict=True)
    ]
    return tuple(sorted(found, key=lambda s: (len(s.conditions), s.conditions, s.score)))


def _names(first: Sequence[Entry]) -> list[str]:
    """The system of each group; where two have the same, the name of a run beside it."""
    counts = [sum(other.system == entry.system for other in first) for entry in first]
    return [e.system if n == 1 else f"{e.system} ({e.run})" for e, n in zip(first, counts, strict=True)]


def values_by_prompt(system: System, figures: Sequence[str]) -> pd.DataFrame | None:
    """Values of every prompt, averaged over seeds; None where a run's per-sample table is missing.

    Raises:
        DataError: a run's table lacks prompts that another seed's has.
    """
    import pandas as pd

    tables = [read_values(run.path, figures) for run in system.runs]
    if any(table is None for table in tables):
        return None
    prompts = set().union(*(table.index for table in tables))
    for run, table in zip(system.runs, tables, strict=True):
        if len(table) != len(prompts) or set(table.index) != prompts:
            raise DataError(
                f"{run.path.with_name('per_sample.parquet')}: {len(table)} rows for the {len(prompts)} "
                f"prompts of the runs of {system.name}; score {run.run} again"
            )
    return pd.concat(tables).groupby(KEYS).mean()
