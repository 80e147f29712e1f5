"""Curves of a training on the page, which a training outlives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from emo3d_exp.tracking.wandb_faults import costing_no_run

CURVES = "curves"


class LastingLogger(WandbLogger):
    """Lightning's logger; where W&B's service on this machine dies, the training goes on without curves.

    Args:
        lost: names of what is not on the page, which the curves join.
    """

    def __init__(self, experiment: Any, project: str, save_dir: str, lost: list[str]) -> None:
        super().__init__(experiment=experiment, project=project, save_dir=save_dir)
        self._lost = lost

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if CURVES not in self._lost:
            with costing_no_run(CURVES, self._lost):
                super().log_metrics(metrics, step)
