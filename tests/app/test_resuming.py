"""``resume=true`` after the training itself had ended: nothing is trained again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from tiny_task import TinyData, config

from emo3d_exp.app import fitting, resuming
from emo3d_exp.app.holding import held
from emo3d_exp.app.train import train, train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("cache", "one_thread")


def begun(folder: Path, *overrides: str) -> tuple[RunFolder, DictConfig]:
    cfg = config(folder, *overrides)
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    return run, cfg


def epochs_trained(run: RunFolder) -> int:
    return 1 + torch.load(run.last_checkpoint, weights_only=True)["epoch"]


def facts(run: RunFolder) -> dict[str, Any]:
    return json.loads(run.model_file.read_text(encoding="utf-8"))


@pytest.fixture
def resume(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``python train.py run_dir=… resume=true`` in this process."""

    def go_on(run: RunFolder, cfg: DictConfig, *given: str, run_dir: bool = True) -> float | None:
        running = DictConfig(
            {
                "runtime": {"output_dir": str(run.path)},
                "overrides": {"task": [*([f"run_dir={run.path}"] * run_dir), "resume=true", *given]},
                "mode": RunMode.RUN,
            }
        )
        monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: running))
        return train(DictConfig({**cfg, "resume": True}))

    return go_on


@pytest.mark.parametrize("patience", [0, 2])
def test_a_training_that_patience_ended_stays_ended(tmp_path: Path, patience: int) -> None:
    """As if it had been stopped between its last epoch and the writing of its weights."""
    run, cfg = begun(
        tmp_path, "model=clip_mlp", "trainer.max_epochs=60", f"patience={patience}", "evaluate=false",
        "batch_size=8", "optimizer.lr=0.03",
    )  # fmt: skip
    best = train_in(run, cfg)
    epochs, weights, told = epochs_trained(run), run.weights_file.read_bytes(), facts(run)
    assert 1 + patience < epochs < 60
    assert told["epoch"] < epochs - 1, "the best epoch must not be the last, or it shows nothing"
    kept = (run.checkpoints / "best.ckpt").read_bytes()
    run.weights_file.unlink()
    run.model_file.unlink()

    assert train_in(run, run.config(), run.last_checkpoint) == best
    assert epochs_trained(run) == epochs
    assert run.weights_file.read_bytes() == weights
    assert (run.checkpoints / "best.ckpt").read_bytes() == kept
    again = facts(run)
    assert again["train_seconds"] > 0, "those of the training before it was stopped"
    assert again == {**told, "train_seconds": again["train_seconds"]}


@pytest.mark.parametrize("model", ["clip_mlp", "ridge"])
def test_a_run_that_has_its_weights_is_scored_and_no_more(
    model: str, tmp_path: Path, resume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cfg = begun(tmp_path, f"model={model}", "trainer.max_epochs=2")
    best = train_in(run, cfg)
    scores = run.evaluation("test") / "metrics.json"
    metrics = json.loads(scores.read_text(encoding="utf-8"))["metrics"]
    before = {file: file.read_bytes() for file in (run.weights_file, run.model_file)}
    written = {file: file.stat().st_mtime_ns for file in before}
    scores.unlink()

    def refuse(*_: Any) -> None:
        raise AssertionError("it was trained already")

    monkeypatch.setattr(fitting, "prepared", refuse)
    assert resume(run, cfg) == best
    assert json.loads(scores.read_text(encoding="utf-8"))["metrics"] == metrics
    assert {file: file.read_bytes() for file in before} == before
    assert {file: file.stat().st_mtime_ns for file in before} == written


def test_a_run_that_has_its_scores_too_is_left_as_it_is(
    tmp_path: Path, resume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cfg = begun(tmp_path, "model=ridge")
    best = train_in(run, cfg)
    written = {file: file.stat().st_mtime_ns for file in run.path.rglob("*")}

    def refuse(self: TinyData) -> None:
        raise AssertionError("there was nothing left to do")

    monkeypatch.setattr(TinyData, "load", refuse)
    assert resume(run, cfg) == best
    assert {file: file.stat().st_mtime_ns for file in run.path.rglob("*")} == written


def test_the_judge_goes_on_after_its_weights(tmp_path: Path) -> None:
    """Its second stage and its export come later than they."""
    from emo3d_exp.app.resuming import finished_error, trained_error

    run, cfg = begun(tmp_path, "experiment=face_clip", "evaluate=false")
    run.weights_file.touch()
    run.model_file.write_text('{"val/loss": 1.0}', encoding="utf-8")
    assert finished_error(run, cfg) is None and trained_error(run, cfg) is None
    cfg.model.name = "clip_mlp"
    assert finished_error(run, cfg) == trained_error(run, cfg) == 1.0


def test_own_settings_and_threads_may_be_given_again(
    tmp_path: Path, resume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cfg = begun(tmp_path, "model=clip_mlp", "trainer.max_epochs=2", "evaluate=false")
    best = train_in(run, cfg)
    again = ["model=clip_mlp", "trainer.max_epochs=2", "evaluate=false", "threads=1"]
    assert resume(run, config(tmp_path, *again), *again) == best
    other = ["model=clip_mlp", "trainer.max_epochs=3", "evaluate=false"]
    with pytest.raises(ConfigError, match=r"^trainer\.max_epochs: a run goes on by its own config"):
        resume(run, config(tmp_path, *other), *other)


def test_resume_without_a_folder_asks_for_it(tmp_path: Path, resume: Any) -> None:
    with pytest.raises(ConfigError, match=r"say which run goes on, run_dir=outputs/…"):
        resume(RunFolder(tmp_path / "none"), config(tmp_path), run_dir=False)


def test_a_sweep_given_again_may_be_tracked_otherwise(
    tmp_path: Path, resume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cfg = begun(tmp_path, "model=ridge", "evaluate=false", "tracking=csv")
    given = ("model=ridge", "evaluate=false", "tracking=none", "name=new", "trainer.devices=2")
    asked = config(tmp_path, *given)
    monkeypatch.setattr(resuming, "is_job_of_sweep", lambda: True)
    running = DictConfig({"overrides": {"task": list(given)}})
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: running))
    own = resuming.own_config(run, asked)
    assert (own.tracking, own.trainer.devices) == (asked.tracking, 2)
    assert own.name == cfg.name != "new", "the page of the run keeps its name"
    with pytest.raises(ConfigError, match=r"holds a run with other settings \(seed is 1, asked for is 2"):
        resuming.own_config(run, config(tmp_path, *given, "seed=2"))


def test_two_do_not_train_in_one_folder(tmp_path: Path, resume: Any) -> None:
    run, cfg = begun(tmp_path, "model=ridge", "evaluate=false")
    with held(run), pytest.raises(ConfigError, match="another process trains there"):
        resume(run, cfg)
    assert not run.weights_file.exists()
    assert resume(run, cfg) is not None
