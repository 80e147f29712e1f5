"""What a search improves, from the files that it leaves beside its trials."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emo3d_exp.comparison.run import Run

RESULTS = "optimization_results.yaml"
SWEEP = "multirun.yaml"
TRIAL = "trial.json"
DIRECTIONS = {"minimize": False, "maximize": True}


@dataclass(frozen=True)
class Objective:
    """A metric that a search improves. higher: more of it is better; None: its files do not say."""

    metric: str
    higher: bool | None = None


def searched_objective(runs: Sequence[Run]) -> Objective | None:
    """Of the search that all runs belong to; None where there is no such search.

    Until a search has ended, it is what its trials report every epoch.
    """
    parents = [run.path.resolve().parent for run in runs]
    folder = Path(os.path.commonpath(parents))
    metric = _text(_yaml(folder / RESULTS), "objective")
    if not metric and set(parents) == {folder}:
        told = {_text(_json(run.path / TRIAL), "reported") for run in runs}
        metric = told.pop() if len(told) == 1 else ""
    return Objective(metric, _direction(folder, metric)) if metric else None


def _direction(folder: Path, metric: str) -> bool | None:
    """Whether the study looks for the highest, as the sweep's settings say."""
    sweeper: Any = _yaml(folder / SWEEP)
    for key in ("hydra", "sweeper"):
        sweeper = sweeper.get(key) if isinstance(sweeper, Mapping) else None
    if _text(sweeper, "objective") != metric:  # what is reported may stand in for it
        return None
    return DIRECTIONS.get(_text(sweeper, "direction"))


def _text(values: Any, key: str) -> str:
    value = values.get(key) if isinstance(values, Mapping) else None
    return value if isinstance(value, str) else ""


def _yaml(file: Path) -> Any:
    """The content of a file; None where it is absent or damaged: the comparison does without."""
    if not file.is_file():
        return None
    import yaml

    try:
        return yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
