"""Values of runs and groups as the text of a table's cells."""

from __future__ import annotations

from collections.abc import Sequence

from emo3d_exp.comparison.grouping import Group, Grouping
from emo3d_exp.comparison.run import FACTS, Plain, Run
from emo3d_exp.comparison.table import ABSENT, Comparison


def rows(found: Comparison) -> list[list[str]]:
    """A row for each run, in the order of ``found.columns``."""
    return [[cell(run, name) for name in found.columns] for run in found.runs]


def cell(run: Run, name: str) -> str:
    """What stands in a column for a run; a dash where it has no such thing, ``null`` where the key is so."""
    if name == "duration":
        return ABSENT if run.seconds is None else duration(run.seconds)
    if name in run.metrics:
        return figure(run.metrics[name])
    if name in run.config and name not in FACTS:
        return setting(run.config[name])
    return str(run.value(name) or ABSENT)


def setting(value: Plain) -> str:
    """As YAML writes it, numbers with six significant digits: what a search has drawn has many more."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def figure(value: float) -> str:
    """Four significant digits; whole numbers whole."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10000 else str(int(value))
    return f"{value:#.4g}".rstrip(".") if abs(value) < 10000 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """``< 1 s``, ``25 s``, ``3:05 min``, ``1:02 h``."""
    whole = round(seconds)
    if whole < 1:
        return "< 1 s"
    if whole < 60:
        return f"{seconds:.0f} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def group_headings(groups: Grouping) -> list[str]:
    """Of :func:`group_rows`."""
    return [*groups.keys, "n", *groups.metrics]


def group_rows(groups: Grouping) -> list[list[str]]:
    """A row for each group: ``0.6480 ± 0.0031``; with ``(3)`` behind it where fewer runs have the figure."""
    return [
        [*map(_value, group.values), str(group.runs), *_figures(group, groups)] for group in groups.groups
    ]


def _figures(group: Group, groups: Grouping) -> list[str]:
    return [
        mean_and_deviation(*group.figures[metric], of=group.runs) if metric in group.figures else ABSENT
        for metric in groups.metrics
    ]


def mean_and_deviation(mean: float, deviation: float | None, count: int, of: int) -> str:
    """The deviation has as many decimals as the mean."""
    fewer = f" ({count})" if count < of else ""
    if deviation is None:
        return figure(mean) + fewer
    text = figure(mean) if not deviation or abs(mean) >= 10000 else f"{mean:#.4g}".rstrip(".")
    if "e" in text:
        return f"{text} ± {deviation:.2g}{fewer}"
    return f"{text} ± {deviation:,.{len(text.partition('.')[2])}f}{fewer}"


def _value(value: Plain) -> str:
    return ABSENT if value is None else setting(value)


def numeric(found: Comparison, name: str) -> bool:
    """Whether a column holds numbers, which stand to the right."""
    values: Sequence[Plain] = [run.value(name) for run in found.runs]
    return all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)
