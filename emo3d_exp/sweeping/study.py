"""A study of Optuna that several processes share, each of which may die at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.sweeping.identity import require_own_folder
from emo3d_exp.sweeping.locks import claim, gate
from emo3d_exp.sweeping.space import Plain, Space, propose
from emo3d_exp.sweeping.trial import TrialFile

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STUDY_FILE = "study.db"
PATIENCE = 300
"""Seconds that a process waits for the others to have written to an SQLite file."""
SAMPLERS = ("tpe", "random")
PRUNERS = ("none", "median", "hyperband")
ENDED = ("COMPLETE", "PRUNED")


def folder_name(number: int) -> str:
    """``trial_0007``."""
    return f"trial_{number:04d}"


def open_storage(url: str | None, sweep: Path) -> RDBStorage:
    """The storage behind a URL; None: an SQLite file in the sweep's folder.

    No write-ahead log: that needs memory which processes of several machines do not share.
    """
    from optuna.storages import RDBStorage

    url = url or f"sqlite:///{(sweep / STUDY_FILE).absolute()}"
    waits = {"connect_args": {"timeout": PATIENCE}} if url.startswith("sqlite") else {}
    return RDBStorage(url, engine_kwargs=waits)


def make_sampler(name: str, startup: int, seed: int, number: int) -> BaseSampler:
    """A sampler that draws for the trial with this number what no other trial draws, after a restart too."""
    from optuna.samplers import RandomSampler, TPESampler

    drawn = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    return RandomSampler(drawn) if name == "random" else TPESampler(n_startup_trials=startup, seed=drawn)


def make_pruner(told: Mapping[str, Any]) -> BasePruner:
    """See :class:`~emo3d_exp.sweeping.trial.TrialFile`."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if told["name"] == "none":
        return NopPruner()
    if told["name"] == "median":
        return MedianPruner(n_startup_trials=told["startup"], n_warmup_steps=told["warmup"])
    return HyperbandPruner(min_resource=max(1, told["warmup"]), max_resource=max(1, told["epochs"]))


def loaded_trial(told: TrialFile, sweep: Path) -> Trial | None:
    """The trial of a folder, to report to; None where it is over, or the study is not there any more."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if told.storage is None and not (sweep / STUDY_FILE).is_file():
        return None
    try:
        study = optuna.load_study(
            study_name=told.study,
            storage=open_storage(told.storage, sweep),
            sampler=optuna.samplers.RandomSampler(0),  # nothing is drawn
            pruner=make_pruner(told.pruner),
        )
        number_to_id = {trial.number: trial._trial_id for trial in running(study)}
    except KeyError:
        return None
    return optuna.Trial(study, number_to_id[told.number]) if told.number in number_to_id else None


def running(study: Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


@dataclass
class Taken:
    """A trial that this process answers for."""

    number: int
    params: dict[str, Plain]
    folder: Path
    claimed: BaseFileLock = field(repr=False)


def dotted(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key with dots, value) of all that is no mapping, or an empty one, in nested mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class SharedStudy:
    """The trials of a sweep's folder, handed out to one process each.

    Args:
        sweep: folder of the sweep. told: what every trial's file says, but for the trial's own.
        sampler: name, trials before it, seed.

    Raises:
        ConfigError: the study is worked on in another folder.
    """

    def __init__(
        self, sweep: Path, study: str, storage: str | None, direction: str, sampler: tuple[str, int, int],
        pruner: Mapping[str, Any],
    ) -> None:  # fmt: skip
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.sweep, self.storage, self.sampler = sweep, storage, sampler
        sweep.mkdir(parents=True, exist_ok=True)
        with gate(sweep):  # two processes must not make the tables
            self.study = optuna.create_study(
                storage=open_storage(storage, sweep),
                study_name=study,
                direction=direction,
                load_if_exists=True,
                sampler=make_sampler(*sampler, number=0),
                pruner=make_pruner(pruner),
            )
            self._require_own_folder()

    def _require_own_folder(self) -> None:
        if self.storage is not None:  # else the study lies in the folder
            require_own_folder(self.study, self.sweep)

    def agree(self, settings: Mapping[str, Any], objective: str) -> None:
        """Note what the study is about, or compare.

        Raises:
            ConfigError: it was begun with other settings: its trials cannot be compared with new ones.
        """
        with gate(self.sweep):
            known = self.study.user_attrs.get("settings")
            noted = json.loads(json.dumps({**settings, "objective": objective}))
            if known is None or (self.done() == 0 and {**known, "objective": objective} == noted):
                self.study.set_user_attr("settings", noted)
                return
        known, noted = dict(dotted(known)), dict(dotted(noted))
        differing = sorted(key for key in {*known, *noted} if known.get(key) != noted.get(key))
        if differing:
            told = "; ".join(f"{k} was {known.get(k)}, is {noted.get(k)}" for k in differing[:3])
            raise ConfigError(
                f"the study in {self.sweep} was begun with other settings ({told}): give those, or another "
                "hydra.sweep.dir=…"
            )

    def take(self, count: int, total: int, space: Space) -> list[Taken]:
        """At most ``count`` trials to work on: first those that a dead process has left, then new ones, as
        long as there are fewer than ``total`` that are done or in somebody's hands.
        """
        distributions, taken = space.distributions(), list[Taken]()
        with gate(self.sweep):
            self._require_own_folder()  # two may have begun the study at the same moment
            left = running(self.study)
            for frozen in left:
                folder = self.sweep / folder_name(frozen.number)
                if len(taken) < count and (lock := claim(folder)) is not None:
                    taken.append(self._begun(frozen._trial_id, frozen.number, distributions, lock))
            new = min(count - len(taken), total - self.done() - len(left))
            for _ in range(new):
                trial = self.study.ask()
                lock = claim(self.sweep / folder_name(trial.number))
                assert lock is not None, f"{folder_name(trial.number)} of a new trial is in use"
                taken.append(self._begun(trial._trial_id, trial.number, distributions, lock))
        return taken

    def _begun(
        self, trial_id: int, number: int, distributions: Mapping[str, Any], lock: BaseFileLock
    ) -> Taken:
        import optuna

        self.study.sampler = make_sampler(*self.sampler, number=number)
        params = propose(optuna.Trial(self.study, trial_id), distributions)
        return Taken(number, params, self.sweep / folder_name(number), lock)

    def done(self) -> int:
        """How many trials have ended, pruned ones included, failed ones not."""
        return sum(trial.state.name in ENDED for trial in self.study.get_trials(deepcopy=False))

    def in_hands(self) -> int:
        """How many trials somebody works on, or has left."""
        return len(running(self.study))

    def reported(self, number: int) -> dict[int, float]:
        """Epoch → value of a trial, as its training has told."""
        return self.study.get_trials(deepcopy=False)[number].intermediate_values

    def end(self, trial: Taken, value: float | None = None, failed: str | None = None) -> None:
        """Note how a trial of this process has ended: with a value, pruned without one, or failed."""
        from optuna.trial import TrialState

        if failed is not None:
            self.study._storage.set_trial_user_attr(self._id(trial.number), "failed", failed)
            self.study.tell(trial.number, state=TrialState.FAIL)
        elif value is None:
            self.study.tell(trial.number, state=TrialState.PRUNED)
        else:
            self.study.tell(trial.number, value)
        trial.claimed.release()

    def _id(self, number: int) -> int:
        return self.study.get_trials(deepcopy=False)[number]._trial_id
