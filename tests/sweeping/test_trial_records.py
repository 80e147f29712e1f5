"""The records of a search's jobs, from which the end of a sweep counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from omegaconf import OmegaConf

from emo3d_exp.app.jobs import SWEEP, recorded, sweep_records
from emo3d_exp.app.train import train
from emo3d_exp.runs import JobRecord, RunFolder, read_jobs
from emo3d_exp.sweeping.locks import work
from emo3d_exp.sweeping.trial import TakenError, TrialFile


@pytest.fixture(autouse=True)
def _sweep(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = Singleton.get_state()
    monkeypatch.setenv(SWEEP, "mine")
    yield
    Singleton.set_state(kept)


def placed(sweep: Path, place: int, trial: int) -> RunFolder:
    """The folder of a trial, in the job that Hydra gives a place to."""
    run = RunFolder(sweep / f"trial_{trial:04d}")
    TrialFile(trial, "emo3d", None, "val/mse", {}, {}, []).write(run.path)
    told = {"mode": "MULTIRUN", "job": {"num": place, "name": "train"}, "overrides": {"task": []},
            "sweep": {"dir": str(sweep)}, "launcher": {"_target_": "one"},
            "runtime": {"output_dir": str(run.path)}}  # fmt: skip
    HydraConfig.instance().set_config(OmegaConf.merge({"hydra": HydraConf()}, {"hydra": told}))
    return run


def records(sweep: Path) -> list[JobRecord]:
    return list(read_jobs(sweep_records(sweep, "mine")))


def test_trials_of_a_batch_with_gaps_keep_their_records(tmp_path: Path) -> None:
    """A batch of 3 and 17, of which Hydra's numbers are 3 and 4; then 4, and 3 once more."""
    for place, trial, objective in ((3, 3, 0.1), (4, 17, 0.2), (4, 4, 0.3), (3, 3, 0.4)):
        with recorded(placed(tmp_path, place, trial)) as job:
            job.objective = objective
    found = [(each.number, Path(each.folder).name, each.objective) for each in records(tmp_path)]
    assert found == [(3, "trial_0003", 0.4), (4, "trial_0004", 0.3), (17, "trial_0017", 0.2)]


def test_a_trial_that_another_process_trains_leaves_no_record(tmp_path: Path) -> None:
    run = placed(tmp_path, 0, 0)
    theirs = work(run.path)
    assert theirs is not None
    with pytest.raises(TakenError):
        train(OmegaConf.create())
    theirs.release()
    assert records(tmp_path) == [] and not run.job_file.exists()
