"""What a training that is a trial of a search does at the end of every epoch.

Optuna's own callback for Lightning imports the package ``lightning``, whose classes are others than those of
``pytorch_lightning``, and ends the training amid its last epoch, which other processes would wait for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytorch_lightning import Callback, LightningModule, Trainer

from emo3d_exp.errors import DivergedError
from emo3d_exp.sweeping import Pruned, trial_of
from emo3d_exp.sweeping.trial import ObjectiveError, TrialReports

if TYPE_CHECKING:
    from emo3d_exp.runs import RunFolder


class Pruning(Callback):
    """Reports the validation figure of every epoch, and ends the training with the epoch in which the pruner
    says so.
    """

    def __init__(self, reports: TrialReports) -> None:
        self.reports = reports
        self.pruned: Pruned | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.reports.open()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        epoch, metric = trainer.current_epoch, self.reports.metric
        found = trainer.callback_metrics.get(metric)
        if found is None:
            names = ", ".join(sorted(trainer.callback_metrics))
            raise ObjectiveError(f"hydra.sweeper.objective: training logs no {metric}; there are {names}")
        value = float(found)
        worse = trainer.is_global_zero and self.reports.tell(epoch, value)
        if trainer.state.fn == "fit" and trainer.strategy.reduce_boolean_decision(worse, all=False):
            trainer.should_stop = True
            self.pruned = Pruned(epoch, metric, value)


def pruning(run: RunFolder, monitor: str) -> list[Callback]:
    """The callback of a run that is a trial, as far as its model can be pruned; else none."""
    reports = trial_of(run.path)
    return [Pruning(reports)] if reports is not None and monitor == "val/mse" else []


def require_finite(run: RunFolder, trainer: Trainer, metric: str, lr: object) -> None:
    """Raise DivergedError where no epoch had a finite ``metric``; of a trial of a search Pruned, since its
    settings are as bad as can be and the search goes on.
    """
    checkpoint = trainer.checkpoint_callback
    found = getattr(checkpoint, "best_model_score", None)
    if found is not None and math.isfinite(found):
        return
    if trial_of(run.path) is not None:
        raise Pruned(max(trainer.current_epoch - 1, 0), metric, math.nan)
    raise DivergedError(
        f"the training has diverged: {metric} is {'no number' if found is None else float(found)}. Lower "
        f"optimizer.lr (it is {lr}), or set trainer.gradient_clip_val=1"
    )


def end_if_pruned(trainer: Trainer) -> None:
    """Raise Pruned where the pruner has ended the training."""
    for callback in trainer.callbacks:
        if isinstance(callback, Pruning) and callback.pruned is not None:
            raise callback.pruned
