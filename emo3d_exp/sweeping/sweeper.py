"""``hydra/sweeper=emo3d_optuna``: a Hydra sweeper on Optuna's ask and tell.

Hydra's own plug-in needs an Optuna from before version 3, and gives a training no trial that it could report
to. Here a sweep may be killed at any moment and started again, and several processes may share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

ALIAS = "hydra_plugins.emo3d_exp.OptunaSweeper"
"""Hydra builds sweepers of that package alone; the class stays where it is."""
DEFAULTS: dict[str, Any] = {
    "objective": "val/mse", "direction": "minimize", "n_trials": 40, "n_jobs": 1, "seed": 1,
    "sampler": "tpe", "startup_trials": 10, "pruner": "median", "pruner_startup": 5, "pruner_warmup": 5,
    "storage": None, "study_name": "emo3d", "max_failures": 5, "space": {},
}  # fmt: skip


def admit_sweepers() -> None:
    """Make this sweeper and that of grids known to Hydra, for a script that is about to run."""
    known = Plugins.instance().class_name_to_class
    from emo3d_exp.sweeping import grid  # see there

    known |= {ALIAS: OptunaSweeper, grid.ALIAS: grid.GridSweeper}
    optuna = {"_target_": ALIAS, **DEFAULTS}
    for name, node in (("emo3d_optuna", optuna), ("basic", grid.GridSweeperConf)):
        ConfigStore.instance().store(group="hydra/sweeper", name=name, node=node, provider="emo3d_exp")


class OptunaSweeper(Sweeper):
    """Trains what Optuna proposes, in ``trial_0000``, ``trial_0001``, … of the sweep's folder.

    Args:
        objective: any figure of a run: ``val/…`` as training logs it, ``test/…`` of its evaluation.
        direction: minimize or maximize. n_trials: of all starts and processes together, failed ones not
            counted. n_jobs: how many are given to the launcher at a time.
        seed: of the proposals. sampler: tpe or random. startup_trials: drawn at random before TPE begins.
        pruner: none, median or hyperband, which end trainings that others were better than.
        pruner_startup: trials that median lets end first. pruner_warmup: epochs that no pruner ends.
        storage: URL of a database; null: an SQLite file in the sweep's folder. study_name: its name there.
        max_failures: of one start, after which it ends. space: key → values in Hydra's syntax.
    """

    def __init__(
        self, objective: str, direction: str, n_trials: int, n_jobs: int, seed: int, sampler: str,
        startup_trials: int, pruner: str, pruner_startup: int, pruner_warmup: int, storage: str | None,
        study_name: str, max_failures: int, space: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.objective, self.direction, self.n_trials, self.n_jobs = objective, direction, n_trials, n_jobs
        self.sampler = (sampler, startup_trials, seed)
        self.pruner = {"name": pruner, "startup": pruner_startup, "warmup": pruner_warmup}
        self.storage, self.study_name, self.max_failures = storage, study_name, max_failures
        self.space = dict(space)
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None
        self.hydra_context: HydraContext | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Go on until ``n_trials`` have ended.

        Raises:
            ConfigError: a setting cannot work, Optuna is missing, or too many trials have failed.
        """
        from emo3d_exp.sweeping.search import Search, require_settings

        assert self.config is not None and self.hydra_context is not None and self.launcher is not None
        require_settings(self)
        return Search(self, self.config, self.hydra_context.config_loader, arguments).run()
