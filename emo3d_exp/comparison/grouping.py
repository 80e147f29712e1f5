"""Runs that agree in some keys as one line: mean and standard deviation over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from emo3d_exp.comparison.naming import full_name, names_of
from emo3d_exp.comparison.run import Plain, Run
from emo3d_exp.comparison.table import Comparison


@dataclass(frozen=True)
class Group:
    """Runs that agree.

    Attributes:
        values: of the keys that they agree in. runs: how many. seeds: how many different ones.
        figures: metric → mean, sample standard deviation (None of one run), number of runs that have it.
    """

    values: tuple[Plain, ...]
    runs: int
    seeds: int
    figures: dict[str, tuple[float, float | None, int]]


@dataclass(frozen=True)
class Grouping:
    """All groups, the best mean first. keys: what the runs of a group agree in."""

    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def repeated(self) -> int:
        """Groups in which a seed stands twice, so that their deviation is not one over seeds."""
        return sum(group.runs > group.seeds for group in self.groups)


def grouped(found: Comparison, keys: Sequence[str]) -> Grouping:
    """Group the runs of a comparison by facts, keys or metrics.

    Raises:
        ConfigError: a name that no run has, or that may be several.
    """
    known = names_of(found.runs)
    full = tuple(full_name(key, known, f"group_by={key}") for key in keys)
    members: dict[tuple[Plain, ...], list[Run]] = {}
    for run in found.runs:
        members.setdefault(tuple(run.value(key) for key in full), []).append(run)
    groups = [_group(values, runs, found.metrics) for values, runs in members.items()]
    groups.sort(key=lambda group: _rank(group, found))
    return Grouping(full, found.metrics, tuple(groups))


def _group(values: tuple[Plain, ...], runs: Sequence[Run], metrics: Sequence[str]) -> Group:
    figures = {}
    for metric in metrics:
        told = [run.metrics[metric] for run in runs if metric in run.metrics]
        if told:
            deviation = statistics.stdev(told) if len(told) > 1 else None
            figures[metric] = (statistics.fmean(told), deviation, len(told))
    return Group(values, len(runs), len({run.config.get("seed", run.path) for run in runs}), figures)


def _rank(group: Group, found: Comparison) -> tuple[bool, float]:
    if found.metric not in group.figures:
        return (True, 0.0)
    mean = group.figures[found.metric][0]
    return (False, -mean if found.higher else mean)
