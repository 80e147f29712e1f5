"""The paper's table 2: systems by their figures, with intervals and paired differences to the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from emo3d_exp.evaluation.columns import LABELS as REFERENCE_LABELS
from emo3d_exp.evaluation.conditions import in_one_line, warning
from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.evaluation.leaderboard import Leaderboard
from emo3d_exp.evaluation.pairing import (
    LABELS,
    Difference,
    compared_figures,
    difference,
    replicates_of,
    sentence,
)
from emo3d_exp.evaluation.seeds import FIGURES, System, systems, values_by_prompt

Spread = tuple[float, float]
BEST_OF = {"emo3d": "emo3d", "emo3d_kl": "emo3d", "mse": "mse"}
"""What is compared: the column beside which it stands."""


@dataclass(frozen=True)
class Line:
    """A system, or a reference.

    Attributes:
        name: of the system. seeds: runs that it is the mean of; 0: a reference.
        figures: key of ``FIGURES`` → mean and standard deviation over seeds.
        intervals: ``mse``, ``emo3d`` → ends of the 95 % interval over prompts, seeds averaged.
        differences: ``mse``, ``emo3d`` → paired difference to the system that is best by this figure;
            nothing for the best itself.
        runs: names of its run folders.
    """

    name: str
    seeds: int
    figures: dict[str, Spread]
    intervals: dict[str, Spread]
    differences: dict[str, Difference]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """Systems scored under the same conditions, best first, then the references.

    Attributes:
        letter: of the conditions. conditions: they in words. facts: provenance of the first result.
        best: ``mse``, ``emo3d`` → name of the system that is lowest.
    """

    letter: str
    conditions: str
    facts: dict[str, object]
    lines: tuple[Line, ...]
    best: dict[str, str]

    def shown(self) -> list[str]:
        """Those of ``FIGURES`` that a system has."""
        own = [line for line in self.lines if line.seeds]
        return [key for key in FIGURES if any(key in line.figures for line in own)]

    def remarks(self) -> list[str]:
        """For each figure, what the paired differences to the best say, one sentence a system."""
        told = []
        for key in ("emo3d", "mse"):
            for line in self.lines:
                if found := line.differences.get(key):
                    label, words = LABELS[found.figure], sentence(line.name, self.best[key], found)
                    told.append(f"{label}: {words}")
        return told


@dataclass(frozen=True)
class Standings:
    """One :class:`Standing` for each set of conditions.

    ``differing`` names the conditions that are not the same for all.
    """

    parts: tuple[Standing, ...]
    differing: tuple[str, ...]

    @property
    def warning(self) -> str:
        """What every table has to say where results do not all compare, else empty."""
        return warning(self.differing)


def standings(board: Leaderboard) -> Standings:
    """The systems of a leaderboard: runs that differ by their seed alone are one, never so many samples."""
    found = systems(board)
    letters = dict.fromkeys(system.conditions for system in found)
    parts = [_standing([s for s in found if s.conditions == letter]) for letter in letters]
    return Standings(tuple(parts), board.differing)


def _standing(found: Sequence[System]) -> Standing:
    first = found[0].runs[0]
    figures = compared_figures(first.metrics, first.provenance)
    tables = {system.name: values_by_prompt(system, figures) for system in found}
    lines = [_line(system, tables[system.name]) for system in found]
    replicates = replicates_of(*(run.provenance for system in found for run in system.runs))
    best, compared = {}, [dict[str, Difference]() for _ in lines]
    for figure in figures:
        key = BEST_OF[figure]
        leader = min(lines, key=lambda line: line.figures[key][0])
        best[key] = leader.name
        for line, differences in zip(lines, compared, strict=True):
            ours, theirs = tables[line.name], tables[leader.name]
            if line is not leader and ours is not None and theirs is not None:
                differences[key] = difference(ours, theirs, figure, replicates)
    lines = [replace(line, differences=own) for line, own in zip(lines, compared, strict=True)]
    references = [_reference(name, own) for name, own in first.references.items()]
    facts = in_one_line(first.provenance)
    return Standing(first.conditions, facts, first.provenance, (*lines, *references), best)


def _line(system: System, table: object) -> Line:
    runs = system.runs
    single = len(runs) == 1
    intervals = _known_intervals(runs[0].metrics) if single else _intervals(table, runs[0].provenance)
    return Line(system.name, len(runs), system.figures(), intervals, {}, tuple(run.run for run in runs))


def _reference(name: str, figures: dict[str, float]) -> Line:
    known = {key: (value, 0.0) for key, value in figures.items() if key in FIGURES}
    return Line(REFERENCE_LABELS[name], 0, known, _known_intervals(figures), {})


def _known_intervals(figures: dict[str, float]) -> dict[str, Spread]:
    return {
        key: (figures[f"{key}_low"], figures[f"{key}_high"])
        for key in ("mse", "emo3d")
        if f"{key}_low" in figures
    }


def _intervals(table: object, facts: dict[str, object]) -> dict[str, Spread]:
    """Of seeds averaged prompt by prompt; a pooled Emo3D of several seeds is no mean over prompts: none."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return {}
    ids = table.index.get_level_values("sample_id").to_numpy()
    draws = {"replicates": int(facts.get("bootstrap", 1000)), "seed": int(facts.get("seed", 0))}
    return {
        key: bootstrap_interval(table[key].to_numpy(), ids, **draws)
        for key in ("mse", "emo3d")
        if key in table
    }
