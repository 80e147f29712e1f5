"""A search whose trainings are made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.sweeping.search import Search, require_settings
from emo3d_exp.sweeping.sweeper import DEFAULTS, OptunaSweeper

SPACE = {"optimizer.lr": "tag(log,interval(1e-4,1e-1))", "head.layers": "range(1,4)"}
CONFIG = {"evaluate": False, "seed": 1, "optimizer": {"lr": 0.1}, "trainer": {"max_epochs": 7}}


def lr_of(overrides: Sequence[str]) -> float:
    return float(next(each for each in overrides if each.startswith("optimizer.lr=")).split("=")[1])


class Trainings:
    """A launcher whose jobs write what a training leaves; ``behave`` may raise, or prune, before that."""

    def __init__(self, sweep: Path, behave: Callable[[Path, int], None] = lambda folder, count: None) -> None:
        self.sweep, self.behave, self.jobs = sweep, behave, list[tuple[str, list[str]]]()

    def figures(self) -> dict[str, float]:
        """More that the model of the newest job says."""
        return {}

    def launch(self, jobs: Sequence[list[str]], initial_job_idx: int) -> list[JobReturn]:
        returned = []
        for overrides in jobs:
            name = overrides[-1].removeprefix("hydra.sweep.subdir=")
            self.jobs.append((name, overrides))
            job = JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
            try:
                self.behave(self.sweep / name, len(self.jobs))
                told = {"epoch": 3, "val/mse": lr_of(overrides), "parameters": 12, **self.figures()}
                (self.sweep / name / "model.json").write_text(json.dumps(told))
            except Exception as error:
                job.status, job.return_value = JobStatus.FAILED, error
            returned.append(job)
        return returned


def searched(
    sweep: Path, launcher: Any = None, arguments: Sequence[str] = (), seed: int = 1, **settings: Any
) -> Search:
    told = {**DEFAULTS, "n_trials": 6, "space": SPACE, "startup_trials": 3, **settings}
    sweeper = OptunaSweeper(**told)
    sweeper.launcher = launcher or Trainings(sweep)
    require_settings(sweeper)
    loader = SimpleNamespace(load_sweep_config=lambda config, overrides: _composed(seed))
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(sweep)}}})
    return Search(sweeper, config, loader, arguments)


def _composed(seed: int) -> DictConfig:
    return OmegaConf.create({**CONFIG, "seed": seed})


def trials(sweep: Path) -> list[Any]:
    import optuna

    return optuna.load_study(study_name="emo3d", storage=f"sqlite:///{sweep / 'study.db'}").get_trials()


def states(sweep: Path) -> list[str]:
    return [trial.state.name for trial in trials(sweep)]
