"""All runs that folders and patterns find, each once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emo3d_exp.comparison.finding import find_runs
from emo3d_exp.comparison.reading import read_run, run_of_wandb
from emo3d_exp.comparison.run import Run
from emo3d_exp.comparison.wandb_cache import cached_wandb_file
from emo3d_exp.comparison.wandb_file import WandbRun
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.runs import distinct_names

TRIAL = re.compile(r"trial_\d+")
"""Folder of a search's trial."""


def read_runs(patterns: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The runs, the earliest first, and lines that say what was left out or could not be read.

    Of a run that was copied the first copy counts, and W&B's files count only where no folder of the run is
    among those found.

    Raises:
        ConfigError: nothing is found, or nothing that can be read.
    """
    found = find_runs(patterns)
    runs, notes = list[Run](), list(found.ignored)
    known: dict[str, Run] = {}
    for path in found.runs:
        try:
            run = read_run(path)
        except DataError as error:
            notes.append(f"{error}, left out")
            continue
        if run.identity in known:
            notes.append(f"{path}: a copy of {known[run.identity].path}, counted once")
            continue
        known[run.identity] = run
        runs.append(run)
        notes += run.problems
    runs += _of_wandb(found.wandb, {run.run_id for run in runs}, notes)
    if not runs:
        lines = "".join(f"\n  {line}" for line in notes)
        raise ConfigError(f"no run that could be read in {', '.join(patterns)}:{lines}")
    runs.sort(key=lambda run: (run.started, str(run.path)))
    return _named(runs), notes


def _named(runs: Sequence[Run]) -> list[Run]:
    """The runs under names that tell them apart: the ends of their folders, W&B's for files of its own."""
    places = [run.path if run.path.is_dir() else run.path.parent for run in runs]
    several = len({place.absolute().parent for place in places}) > 1
    ends = [
        _with_sweep(end, place, several) for end, place in zip(distinct_names(places), places, strict=True)
    ]
    names = [end if run.path.is_dir() else run.name for end, run in zip(ends, runs, strict=True)]
    twice = {name for name in names if names.count(name) > 1}
    named = [f"{n} ({e})" if n in twice and n != e else n for n, e in zip(names, ends, strict=True)]
    return [replace(run, name=name) for run, name in zip(runs, named, strict=True)]


def _with_sweep(end: str, place: Path, several: bool) -> str:
    """A job's number says nothing without its sweep, nor does a trial's where other folders have runs too."""
    bare = end.isdigit() or (several and TRIAL.fullmatch(end))
    return f"{place.absolute().parent.name}/{end}".lstrip("/") if bare else end


def _of_wandb(files: Sequence[Path], known: set[str], notes: list[str]) -> list[Run]:
    """The runs of which W&B's files are all that is left."""
    parts: dict[str, dict[str, tuple[Path, WandbRun]]] = {}
    for file in files:
        try:
            part = cached_wandb_file(file)
        except DataError as error:
            notes.append(f"{error}, left out")
            continue
        # a copied file has the name of its folder too, which begins with when it was started
        parts.setdefault(part.run_id, {}).setdefault(file.parent.name.removeprefix("offline-"), (file, part))
    runs, repeated = [], 0
    for run_id, own in parts.items():
        if run_id in known:
            repeated += 1
            continue
        ordered = [own[name] for name in sorted(own)]
        try:
            run = run_of_wandb([part for _, part in ordered], ordered[0][0])
        except DataError as error:
            notes.append(f"{error}, left out")
            continue
        runs.append(run)
        notes += run.problems
    if repeated:
        notes.append(f"{counted(repeated, 'W&B run')}: their folders are here, which count")
    return runs
