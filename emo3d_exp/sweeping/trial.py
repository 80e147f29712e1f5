"""A trial of a search: what its folder tells the process that trains there, and what that reports."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder, write_json
from emo3d_exp.sweeping.locks import work

if TYPE_CHECKING:
    from optuna.trial import Trial

TRIAL_FILE = "trial.json"


class TakenError(Emo3DError):
    """Another process trains in the folder of this trial."""


class ObjectiveError(ConfigError):
    """The objective of a sweep is no figure of its runs; carries its message alone, as it may be pickled."""


class Pruned(Exception):
    """A training that Optuna's pruner has ended, since earlier trials were better by the same epoch, or that
    has diverged.

    Attributes:
        epoch: the last one, from 0. metric: what was reported. value: of that epoch.
    """

    def __init__(self, epoch: int, metric: str, value: float) -> None:
        super().__init__(epoch, metric, value)
        self.epoch, self.metric, self.value = epoch, metric, value

    def note(self, run: RunFolder) -> None:
        """Let the run's folder say so."""
        value = self.value if math.isfinite(self.value) else None
        write_json(run.pruned_file, {"epoch": self.epoch, self.metric: value})


@dataclass(frozen=True)
class TrialFile:
    """``trial.json`` of a trial's folder.

    Attributes:
        number: from 0. study: its name. storage: URL; None: the file in the sweep's folder, which is the one
            above, wherever it lies now. reported: the metric of every epoch that the pruner sees.
        pruner: its name, first trials and epochs that it spares, and the epochs of a whole training.
        params: key → value. overrides: all of the trial, as Hydra takes them.
        negated: lower is better in the metric, and the study looks for the highest: the pruner sees it so.
    """

    number: int
    study: str
    storage: str | None
    reported: str
    pruner: dict[str, Any]
    params: dict[str, Any]
    overrides: list[str]
    negated: bool = False

    def write(self, folder: Path) -> None:
        write_json(folder / TRIAL_FILE, asdict(self))


class TrialReports:
    """What a training tells the study of its trial, and hears from the pruner."""

    def __init__(self, told: TrialFile, folder: Path) -> None:
        self.told, self.folder = told, folder
        self.metric = told.reported
        self._trial: Trial | None = None
        self._running = True

    def open(self) -> None:
        """Connect to the storage. A trial that is over there is told nothing more: somebody trains it on."""
        from emo3d_exp.sweeping.study import loaded_trial

        self._trial = loaded_trial(self.told, self.folder.parent)
        self._running = self._trial is not None
        RunFolder(self.folder).pruned_file.unlink(missing_ok=True)

    def tell(self, epoch: int, value: float) -> bool:
        """Report the metric of an epoch; whether the training is to end here."""
        if self._trial is None and self._running:
            self.open()
        if self._trial is None:
            return False
        trial = self._trial
        if epoch not in trial.storage.get_trial(trial._trial_id).intermediate_values:
            trial.report(-value if self.told.negated else value, epoch)
        return trial.should_prune()


def trial_of(folder: Path) -> TrialReports | None:
    """Of the trial that is trained in a folder; None where the run is none of a search."""
    file = folder / TRIAL_FILE
    if not file.is_file():
        return None
    return TrialReports(TrialFile(**json.loads(file.read_text(encoding="utf-8"))), folder)


def working_on_trial(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """Decorator of a Hydra task: in the folder of a trial it runs in one process at a time.

    Raises:
        TakenError: another process trains there.
    """

    @functools.wraps(task)
    def run(cfg: DictConfig) -> Any:
        folder = Path(HydraConfig.get().runtime.output_dir)
        if not (folder / TRIAL_FILE).is_file():
            return task(cfg)
        lock = work(folder)
        if lock is None:
            raise TakenError(f"another process trains in {folder}: wait for it, or end it")
        try:
            return task(cfg)
        finally:
            lock.release()

    return run
