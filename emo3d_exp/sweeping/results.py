"""What a search leaves at its end: the best trial as a file, and a word on those that failed."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from emo3d_exp.runs import write_atomically
from emo3d_exp.sweeping.space import written
from emo3d_exp.sweeping.study import folder_name
from emo3d_exp.sweeping.trial import TRIAL_FILE

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

RESULTS = "optimization_results.yaml"
BEST = 5
"""Trials that the log shows."""
log = logging.getLogger(__name__)


def write_results(sweep: Path, study: Study, objective: str) -> None:
    """``optimization_results.yaml``: ``name``, ``best_params``, ``best_value``, as Hydra's plug-in has it,
    and where the best run lies; the same for the log.
    """
    trials = study.get_trials(deepcopy=False)
    states = Counter(trial.state.name.lower() for trial in trials)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    found: dict[str, object] = {"name": "optuna", "objective": objective, "trials": dict(states)}
    if states["complete"]:
        best = study.best_trial
        folder = folder_name(best.number)
        found |= {"best_params": best.params, "best_value": best.value, "best_trial": best.number,
                  "best_folder": folder}  # fmt: skip
        log.info("%s trials: %s; the best by %s:", len(trials), told, objective)
        for trial in best_trials(study, BEST):
            log.info("  %.6g  %s  %s", trial.value, sweep / folder_name(trial.number), in_short(trial.params))
        log.info("compare them with: python -m emo3d_exp.compare %s", shlex.quote(str(sweep)))
    with write_atomically(sweep / RESULTS) as partial:
        partial.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")


def best_trials(study: Study, count: int) -> list[FrozenTrial]:
    """Of those with a value, the best first."""
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    highest = study.direction.name == "MAXIMIZE"
    return sorted(ended, key=lambda trial: -trial.value if highest else trial.value)[:count]


def in_short(params: Mapping[str, object]) -> str:
    """``key=value …`` to be read; numbers with six significant digits."""
    shown = {k: f"{value:.6g}" if isinstance(value, float) else written(value) for k, value in params.items()}
    return " ".join(f"{key}={value}" for key, value in shown.items())


def failed_trials(study: Study) -> list[FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "FAIL"]


def tell_failed(sweep: Path, study: Study) -> None:
    """List the trials that failed, each with its reason and the command that runs it alone."""
    for trial in failed_trials(study):
        folder = sweep / folder_name(trial.number)
        log.warning("%s failed: %s", folder, trial.user_attrs.get("failed"))
        log.warning("  run it alone: %s", run_alone(folder))


def run_alone(folder: Path) -> str:
    """The command that trains what a trial was to train, in a folder beside the trial's."""
    told = json.loads((folder / TRIAL_FILE).read_text(encoding="utf-8"))
    alone = [*told["overrides"], "hydra.mode=RUN", f"run_dir={folder}_alone"]
    return " ".join(["python", sys.argv[0] or "train.py", *map(shlex.quote, alone)])
