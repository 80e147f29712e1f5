"""A training that is a trial of a search reports its epochs, and is ended where others were better."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "app"))
from tiny_task import RecordingTracker, config

from emo3d_exp.app.train import train_in
from emo3d_exp.comparison.reading import read_run
from emo3d_exp.errors import DivergedError
from emo3d_exp.runs import RunFolder
from emo3d_exp.sweeping.study import SharedStudy
from emo3d_exp.sweeping.trial import ObjectiveError, TrialFile

optuna = pytest.importorskip("optuna")
PRUNER = {"name": "median", "startup": 1, "warmup": 2, "epochs": 6}
ALL = ("model=lm_mlp", "trainer.max_epochs=6", "patience=null", "evaluate=false")


@pytest.fixture
def trial(tmp_path: Path, cache: Path) -> RunFolder:
    """Folder of trial 1 of a study whose trial 0 was hard to beat."""
    shared = SharedStudy(tmp_path, "emo3d", None, "minimize", ("random", 0, 1), PRUNER)
    first = shared.study.ask()
    for epoch in range(6):
        first.report(1e-9, epoch)
    shared.study.tell(first, 1e-9)
    shared.study.ask()
    RecordingTracker.calls.clear()
    return RunFolder(tmp_path / "trial_0001")


def trained(run: RunFolder, metric: str = "val/mse", *overrides: str) -> float | None:
    TrialFile(1, "emo3d", None, metric, PRUNER, {}, []).write(run.path)
    cfg = config(run.path.parent, *ALL, *overrides, tracking={"_target_": "tiny_task.RecordingTracker"})
    run.create(cfg)
    return train_in(run, cfg)


def frozen(run: RunFolder) -> Any:
    url = f"sqlite:///{run.path.parent / 'study.db'}"
    return optuna.load_study(study_name="emo3d", storage=url).get_trials()[1]


def test_a_worse_training_is_pruned(trial: RunFolder) -> None:
    trial.path.mkdir()
    assert trained(trial) is None
    told = frozen(trial)
    assert sorted(told.intermediate_values) == [0, 1, 2], "ended with the first epoch after the warm-up"
    assert trial.pruned_file.is_file() and not trial.weights_file.exists()
    assert read_run(trial.path).status == "pruned"
    assert ("finish", 0) in RecordingTracker.calls, "no failure"
    assert ("summary", {"status": "pruned"}) in RecordingTracker.calls

    # whoever wants it whole goes on with it, once its trial is over
    optuna.load_study(study_name="emo3d", storage=f"sqlite:///{trial.path.parent / 'study.db'}").tell(
        1, state=optuna.trial.TrialState.PRUNED
    )
    best = train_in(trial, trial.config(), trial.last_checkpoint)
    assert best is not None and best == read_run(trial.path).metrics["val/mse"]
    assert read_run(trial.path).status == "finished"
    assert sorted(frozen(trial).intermediate_values) == [0, 1, 2]


def test_a_trial_that_diverges_is_pruned_and_another_training_says_what_helps(
    trial: RunFolder, tmp_path: Path
) -> None:
    trial.path.mkdir()
    assert trained(trial, "val/mse", "optimizer.lr=1e30", "trainer.max_epochs=1") is None
    assert read_run(trial.path).status == "pruned" and not trial.weights_file.exists()
    assert json.loads(trial.pruned_file.read_text())["val/mse"] is None

    cfg = config(tmp_path / "alone", *ALL, "optimizer.lr=1e30")
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    with pytest.raises(
        DivergedError, match=r"diverged: val/mse is .*\. Lower optimizer\.lr \(it is 1e\+30\)"
    ):
        train_in(run, cfg)
    assert not run.weights_file.exists()


def test_a_metric_that_is_not_logged_stops_the_first_epoch(trial: RunFolder) -> None:
    trial.path.mkdir()
    with pytest.raises(ObjectiveError, match=r"logs no val/mze; there are .*val/mse"):
        trained(trial, "val/mze")
    assert frozen(trial).intermediate_values == {}
