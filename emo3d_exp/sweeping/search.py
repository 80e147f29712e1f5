"""One process's part in a search: take trials, have them trained, note how they ended."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder, write_atomically
from emo3d_exp.sweeping.objective import (
    check_objective,
    is_usable,
    reported_metric,
    reports_negated,
    value_of,
)
from emo3d_exp.sweeping.results import in_short, tell_failed, write_results
from emo3d_exp.sweeping.space import Space
from emo3d_exp.sweeping.study import PRUNERS, SAMPLERS, SharedStudy, Taken
from emo3d_exp.sweeping.trial import ObjectiveError, TakenError, TrialFile

if TYPE_CHECKING:
    from emo3d_exp.sweeping.sweeper import OptunaSweeper

log = logging.getLogger(__name__)
APART = ("run_dir", "resume", "threads", "name", "group", "tags", "tracking", "hydra")
"""Keys in which the starts of one sweep may differ."""
ATTEMPTS = 2
"""How often a trial is begun whose process dies, before it counts as failed."""
POLL_SECONDS = 1.0


def require_settings(sweeper: OptunaSweeper) -> None:
    """Raise ConfigError where Optuna is missing or a setting of the sweeper makes no sense."""
    if find_spec("optuna") is None or find_spec("sqlalchemy") is None:
        raise ConfigError("hydra/sweeper=emo3d_optuna needs Optuna: pip install 'emo3d_exp[sweeps]'")
    chosen = {
        "direction": (sweeper.direction, ("minimize", "maximize")),
        "sampler": (sweeper.sampler[0], SAMPLERS),
        "pruner": (sweeper.pruner["name"], PRUNERS),
    }
    for key, (value, known) in chosen.items():
        if value not in known:
            raise ConfigError(f"hydra.sweeper.{key}={value}: there are {', '.join(known)}")
    least = {"n_trials": (sweeper.n_trials, 1), "n_jobs": (sweeper.n_jobs, 1),
             "max_failures": (sweeper.max_failures, 1), "startup_trials": (sweeper.sampler[1], 0),
             "seed": (sweeper.sampler[2], 0), "pruner_startup": (sweeper.pruner["startup"], 0),
             "pruner_warmup": (sweeper.pruner["warmup"], 0)}  # fmt: skip
    for key, (value, smallest) in least.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise ConfigError(f"hydra.sweeper.{key}={value} must be a whole number from {smallest}")


class Search:
    """See :class:`~emo3d_exp.sweeping.sweeper.OptunaSweeper`."""

    def __init__(
        self, sweeper: OptunaSweeper, config: DictConfig, loader: Any, arguments: Sequence[str]
    ) -> None:
        self.told, self.config, self.loader = sweeper, config, loader
        self.space = Space(sweeper.space, arguments, loader)
        self.folder = Path(str(config.hydra.sweep.dir)).absolute()
        self.attempts, self.failures = Counter[int](), 0
        self.pruner = dict(sweeper.pruner)

    def run(self) -> None:
        """Work until the study has as many trials as it was to have."""
        self.prepare()
        waiting = False
        while self.failures < self.told.max_failures:
            if batch := self.study.take(self.told.n_jobs, self.told.n_trials, self.space):
                waiting = False
                self.work(batch)
            elif count := self.study.in_hands():
                if not waiting:
                    log.info("waiting for %d trial(s) of other processes", count)
                waiting = True
                time.sleep(POLL_SECONDS)
            else:
                break
        self.end()

    def prepare(self) -> None:
        """Check what can be known before the first trial, and open the study."""
        likely = {key: next(iter(_examples(d))) for key, d in self.space.distributions().items()}
        first = self.loader.load_sweep_config(self.config, self.space.overrides(likely))
        check_objective(self.told.objective, bool(OmegaConf.select(first, "evaluate")))
        self.pruner["epochs"] = int(OmegaConf.select(first, "trainer.max_epochs", default=1) or 1)
        told = self.told
        self.study = SharedStudy(
            self.folder, told.study_name, told.storage, told.direction, told.sampler, self.pruner
        )
        self.study.agree(self._settings(first), told.objective)
        with write_atomically(self.folder / "multirun.yaml") as partial:
            OmegaConf.save(self.config, partial)
        log.info("a search of %d trials in %s (hydra.sweeper.n_trials)", told.n_trials, self.folder)
        if done := self.study.done():
            log.info(
                "going on with the study in %s: %d of %d trials are done", self.folder, done, told.n_trials
            )

    def _settings(self, first: DictConfig) -> dict[str, Any]:
        """What must be the same in every start: the space, and the settings that do not vary."""
        plain = OmegaConf.to_container(first, resolve=False)
        assert isinstance(plain, dict)
        varied = [key.lstrip("+").split("@")[-1].split(".") for key in self.space.swept]
        for path in [[key] for key in APART] + varied:
            node: Any = plain
            for part in path[:-1]:
                node = node.get(part) if isinstance(node, dict) else None
            if isinstance(node, dict):
                node.pop(path[-1], None)
        return {**plain, "space": self.space.described(), "direction": self.told.direction}

    def work(self, batch: Sequence[Taken]) -> None:
        """Have a batch trained by the launcher."""
        try:
            waiting = [trial for trial in batch if not self._noted_as_pruned(trial)]
            if waiting:
                self._launch(waiting)
        finally:  # also of trials that are left to somebody else
            for trial in batch:
                trial.claimed.release()

    def _launch(self, batch: Sequence[Taken]) -> None:
        for trial in batch:
            self._file(trial).write(trial.folder)
        jobs = [self._overrides(trial) for trial in batch]
        try:
            returned = self.told.launcher.launch(jobs, initial_job_idx=batch[0].number)
        except Exception as error:  # a process of the launcher has died, and took the others' answers along
            log.warning("the launcher has failed: %s", error)
            for trial in batch:
                self._begin_again(trial, error)
            return
        for trial, job in zip(batch, returned, strict=True):
            self._note(trial, job)

    def _overrides(self, trial: Taken) -> list[str]:
        return [*self.space.overrides(trial.params), "resume=true", f"hydra.sweep.subdir={trial.folder.name}"]

    def _file(self, trial: Taken) -> TrialFile:
        told = self.told
        return TrialFile(
            number=trial.number, study=told.study_name, storage=told.storage,
            reported=reported_metric(told.objective), pruner=self.pruner, params=trial.params,
            overrides=self.space.overrides(trial.params),
            negated=reports_negated(told.objective, told.direction),
        )  # fmt: skip

    def _noted_as_pruned(self, trial: Taken) -> bool:
        if not RunFolder(trial.folder).pruned_file.is_file():
            return False
        self.study.end(trial)
        log.info("%s is pruned", trial.folder.name)
        return True

    def _note(self, trial: Taken, job: JobReturn) -> None:
        """Tell the study how a job has ended."""
        try:
            job.return_value  # noqa: B018  it raises what the job has raised
        except ObjectiveError:
            raise
        except TakenError:
            time.sleep(POLL_SECONDS)
            return
        except Exception as error:
            self._fail(trial, error)
            return
        if self._noted_as_pruned(trial):
            return
        own = reported_metric(self.told.objective) == self.told.objective
        value = value_of(trial.folder, self.told.objective, self.study.reported(trial.number) if own else {})
        if not is_usable(value):
            self._fail(trial, Emo3DError(f"{self.told.objective} is {value}"))
            return
        self.study.end(trial, value)
        shown = in_short(trial.params)
        log.info("%s: %s %.6g (%s)", trial.folder.name, self.told.objective, value, shown)

    def _begin_again(self, trial: Taken, error: Exception) -> None:
        self.attempts[trial.number] += 1
        if self.attempts[trial.number] >= ATTEMPTS:
            self._fail(trial, error)

    def _fail(self, trial: Taken, error: Exception) -> None:
        self.failures += 1
        reason = str(error) if isinstance(error, Emo3DError) else f"{type(error).__name__}: {error}"
        log.error("%s failed: %s", trial.folder.name, reason,
                  exc_info=None if isinstance(error, Emo3DError) else error)  # fmt: skip
        self.study.end(trial, failed=reason)

    def end(self) -> None:
        """Write the results.

        Raises:
            Emo3DError: too many trials have failed.
        """
        write_results(self.folder, self.study.study, self.told.objective)
        tell_failed(self.folder, self.study.study)
        if self.failures >= self.told.max_failures:
            raise Emo3DError(
                f"{self.failures} trials of this start have failed (hydra.sweeper.max_failures), see "
                "above; those that are done are kept: the same command goes on"
            )


def _examples(distribution: Any) -> Sequence[Any]:
    choices = getattr(distribution, "choices", None)
    return choices if choices else [distribution.low]
