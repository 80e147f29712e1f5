"""The figure of a run that a search improves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from emo3d_exp.runs import RunFolder
from emo3d_exp.sweeping.trial import ObjectiveError

OF_TRAINING = ("train_seconds", "parameters", "epoch")
PARTS = ("train", "val", "test")


def check_objective(objective: str, evaluate: bool) -> None:
    """Raise ObjectiveError for a name that no run can have, before any is trained."""
    part, slash, name = objective.partition("/")
    if objective not in OF_TRAINING and (part not in PARTS or not name):
        raise ObjectiveError(
            f"hydra.sweeper.objective={objective} is no figure of a run: there are val/… as training logs it "
            f"(val/mse), test/… of the evaluation (test/emo3d), and {', '.join(OF_TRAINING)}"
        )
    if part == "test" and slash and not evaluate:
        raise ObjectiveError(
            f"hydra.sweeper.objective={objective} needs evaluate=true: runs are not scored else"
        )


def reported_metric(objective: str) -> str:
    """What the pruner sees of every epoch: the objective where training logs it, else ``val/mse``."""
    return objective if objective.startswith(("val/", "train/")) else "val/mse"


def reports_negated(objective: str, direction: str) -> bool:
    """Whether the pruner is told ``-val/mse``: Optuna takes what is reported to be better in the direction of
    the study, and the error stands in for an objective that is better where it is higher.
    """
    return direction == "maximize" and reported_metric(objective) != objective


def value_of(folder: Path, objective: str, reported: Mapping[int, float]) -> float:
    """The objective of a run that is done, from ``model.json``, its evaluation, or the epoch that was kept.

    Args:
        reported: epoch → value of the objective where training logs it; empty else.

    Raises:
        ObjectiveError: the run has no such figure; lists those that it has.
    """
    run = RunFolder(folder)
    told = json.loads(run.model_file.read_text(encoding="utf-8"))
    figures = {key: value for key, value in told.items() if key in OF_TRAINING or "/" in key}
    for file in sorted(folder.glob("evaluation/*/metrics.json")):
        metrics = json.loads(file.read_text(encoding="utf-8"))["metrics"]
        figures |= {f"{file.parent.name}/{key}": value for key, value in metrics.items()}
    if reported:
        figures.setdefault(objective, reported.get(told.get("epoch", -1), reported[max(reported)]))
    value = figures.get(objective)
    if not isinstance(value, int | float):
        names = sorted(key for key, each in figures.items() if isinstance(each, int | float))
        raise ObjectiveError(
            f"hydra.sweeper.objective={objective}: a run has no such figure; it has {', '.join(names)}. Runs "
            "that are done are kept: start again with another"
        )
    return float(value)


def is_usable(value: float) -> bool:
    """Whether a value can be compared with others."""
    return math.isfinite(value)
