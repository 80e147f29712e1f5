"""Which state is kept, and how training goes on."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import EarlyStopping
from tiny_models import Curves, batches, fit, make, pairs, trainer_config

from emo3d_exp.app import checkpointing
from emo3d_exp.app.fit import LastingStop, build_trainer, training_seconds
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("one_thread")
TRAIN, VAL = pairs(256, seed=0), pairs(64, seed=1)


def overfitting(folder: Path, epochs: int = 25) -> tuple[Any, Trainer, Any, list[float]]:
    """A model that gets worse on held-out texts: its training texts are paired with noise."""
    seed_everything(1, verbose=False)
    model, curves = make("clip_mlp", lr=3e-2), Curves()
    few = {name: rows[:48] for name, rows in TRAIN.items()}
    few["blendshapes"] = few["blendshapes"] * torch.rand(48, 52).numpy()
    trainer, best = fit(model, batches(few, 16, seed=1), batches(VAL), folder, epochs, loggers=[curves])
    return model, trainer, best, [row["val/mse"] for row in curves.rows if "val/mse" in row]


def error_of(state: dict[str, torch.Tensor]) -> float:
    model = make("clip_mlp").eval()
    model.load_state_dict(state)
    with torch.inference_mode():
        faces = model(torch.from_numpy(VAL["text"]))
    return float((faces - torch.from_numpy(VAL["blendshapes"])).square().mean())


def test_the_best_state_is_kept_and_is_not_the_live_one(tmp_path: Path) -> None:
    model, _, best, errors = overfitting(tmp_path)
    assert min(errors) < errors[-1], "the case must overfit, or it shows nothing"
    kept = torch.load(best.best_model_path, weights_only=True)
    assert kept["epoch"] == errors.index(min(errors))
    assert error_of(kept["state_dict"]) == pytest.approx(min(errors), rel=1e-5)
    assert float(best.best_model_score) == pytest.approx(min(errors))
    live = model.state_dict()
    assert any(not torch.equal(live[key], value) for key, value in kept["state_dict"].items())
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(torch.equal(live[key], value) for key, value in last["state_dict"].items())
    assert error_of(last["state_dict"]) == pytest.approx(errors[-1], rel=1e-5)
    assert "optimizer_states" in last and "optimizer_states" not in kept  # a training goes on from the last


def test_only_the_best_and_the_last_are_kept(tmp_path: Path) -> None:
    overfitting(tmp_path, epochs=6)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    model = make("clip_mlp", lr=0.0)
    trainer, _ = build_trainer(trainer_config(50, patience=3), RunFolder(tmp_path), "val/mse", [], quiet=True)
    trainer.fit(model, batches(TRAIN, seed=1), batches(VAL))
    assert trainer.current_epoch == 4


def test_without_patience_training_goes_to_the_end(tmp_path: Path) -> None:
    trainer, _ = build_trainer(trainer_config(6), RunFolder(tmp_path), "val/mse", [], quiet=True)
    assert not any(isinstance(callback, EarlyStopping) for callback in trainer.callbacks)
    trainer.fit(make("clip_mlp", lr=0.0), batches(TRAIN, seed=1), batches(VAL))
    assert trainer.current_epoch == 6


def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    """Six epochs, and three with three more: same order of pairs, same optimizer, same weights."""
    torch.manual_seed(1)
    whole = make("clip_mlp")
    fit(whole, batches(TRAIN, seed=7), batches(VAL), tmp_path / "whole", 6)
    torch.manual_seed(1)
    fit(make("clip_mlp"), batches(TRAIN, seed=7), batches(VAL), tmp_path / "parts", 3)
    torch.manual_seed(2)
    rest = make("clip_mlp")
    stopped = tmp_path / "parts" / "checkpoints" / "last.ckpt"
    fit(rest, batches(TRAIN, seed=7), batches(VAL), tmp_path / "parts", 6, resume_from=stopped)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[key]), key


def test_short_epochs_are_kept_now_and_then_and_a_killed_training_comes_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: Path, stop: int | None = None, resume_from: Path | None = None) -> list[int]:
        """Epochs that ``last.ckpt`` held at the end of each."""
        held = list[int]()

        class Kill(Callback):
            def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
                if trainer.current_epoch > 0:
                    held.append(torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"])
                if trainer.current_epoch == stop:
                    raise RuntimeError("killed")

        seed_everything(1, verbose=False)
        trainer, _ = build_trainer(trainer_config(6), RunFolder(folder), "val/mse", [], quiet=True)
        trainer.callbacks.insert(0, Kill())
        rows = (batches(TRAIN, seed=7), batches(VAL))
        with pytest.raises(RuntimeError, match="killed") if stop else nullcontext():
            trainer.fit(make("clip_mlp"), *rows, ckpt_path=resume_from, weights_only=True)
        return held

    monkeypatch.setattr(checkpointing, "SECONDS", 0.0)
    assert train(tmp_path / "each") == [0, 1, 2, 3, 4]
    monkeypatch.setattr(checkpointing, "SECONDS", 1e9)
    assert train(tmp_path / "ends") == [0, 0, 0, 0, 0]
    assert train(tmp_path / "killed", stop=4) == [0, 0, 0, 0]
    train(tmp_path / "killed", resume_from=tmp_path / "killed" / "checkpoints" / "last.ckpt")
    for name in ("best.ckpt", "last.ckpt"):
        states = [
            torch.load(tmp_path / run / "checkpoints" / name, weights_only=True)
            for run in ("each", "ends", "killed")
        ]
        assert {state["epoch"] for state in states} == {states[0]["epoch"]}
        for key, value in states[0]["state_dict"].items():
            assert all(torch.equal(value, state["state_dict"][key]) for state in states[1:]), (name, key)
    assert states[0]["epoch"] == 5  # the last one is kept at any rate


def test_the_seconds_of_a_stopped_training_count_on(tmp_path: Path) -> None:
    fit(make("clip_mlp"), batches(TRAIN, seed=7), batches(VAL), tmp_path, 2)
    stopped = tmp_path / "checkpoints" / "last.ckpt"
    state = torch.load(stopped, weights_only=True)
    assert 0 < state["callbacks"]["Stopwatch"]["seconds"] < 100
    state["callbacks"]["Stopwatch"]["seconds"] = 1000.0
    torch.save(state, stopped)
    trainer, _ = build_trainer(trainer_config(3), RunFolder(tmp_path), "val/mse", [], quiet=True)
    trainer.fit(make("clip_mlp"), batches(TRAIN, seed=7), batches(VAL), ckpt_path=stopped, weights_only=True)
    assert 1000 < training_seconds(trainer) < 1100


def test_no_file_outside_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL), tmp_path / "run", 1)
    assert list((tmp_path / "here").iterdir()) == []
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["checkpoints"]


def test_progress_is_one_line_with_the_latest_and_the_best(tmp_path: Path) -> None:
    from emo3d_exp.app.fit import EpochProgress

    trainer, _ = build_trainer(trainer_config(2), RunFolder(tmp_path), "val/mse", [])
    trainer.fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL))
    (progress,) = (c for c in trainer.callbacks if isinstance(c, EpochProgress))
    task = progress.progress.tasks[0]
    assert (task.completed, task.total) == (2, 2)
    assert f"best {progress.best:.5f}" in task.fields["values"]
    assert progress.best == pytest.approx(trainer.checkpoint_callback.best_model_score.item())


def test_progress_of_a_run_that_goes_on_knows_the_best_before(tmp_path: Path) -> None:
    from emo3d_exp.app.fit import EpochProgress

    _, before = fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL), tmp_path, 12)
    worse = {**TRAIN, "blendshapes": 1 - TRAIN["blendshapes"]}
    trainer, _ = build_trainer(trainer_config(13), RunFolder(tmp_path), "val/mse", [])
    last = tmp_path / "checkpoints" / "last.ckpt"
    trainer.fit(make("clip_mlp"), batches(worse, seed=2), batches(VAL), ckpt_path=last, weights_only=True)
    (progress,) = (c for c in trainer.callbacks if isinstance(c, EpochProgress))
    assert progress.best == float(before.best_model_score) < float(trainer.callback_metrics["val/mse"])


def test_a_moved_run_goes_on_with_its_best_checkpoint(tmp_path: Path) -> None:
    seed_everything(1, workers=True, verbose=False)
    _, before = fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL), tmp_path / "here", 12)
    score = float(before.best_model_score)
    shutil.move(tmp_path / "here", tmp_path / "there")
    checkpoints = tmp_path / "there" / "checkpoints"
    worse = {**TRAIN, "blendshapes": 1 - TRAIN["blendshapes"]}  # what follows can only be worse
    _, after = fit(
        make("clip_mlp"), batches(worse, seed=2), batches(VAL), tmp_path / "there", 14,
        resume_from=checkpoints / "last.ckpt",
    )  # fmt: skip
    assert float(after.best_model_score) == pytest.approx(score)
    assert Path(after.best_model_path) == checkpoints / "best.ckpt"
    kept = torch.load(checkpoints / "best.ckpt", weights_only=True)
    assert kept["epoch"] < 12


def test_a_checkpoint_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who had opened the old one reads all of it, also where $TMPDIR is another file system."""
    rename = os.rename

    def within_a_folder(source: Any, target: Any, **options: Any) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", within_a_folder)
    monkeypatch.setattr(os, "replace", within_a_folder)
    trainer, _ = build_trainer(trainer_config(1), RunFolder(tmp_path), "val/mse", [], quiet=True)
    trainer.fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL))
    last = tmp_path / "checkpoints" / "last.ckpt"
    before = last.read_bytes()
    with last.open("rb") as opened:
        trainer.fit_loop.max_epochs = 2
        trainer.fit(trainer.model, batches(TRAIN, seed=1), batches(VAL))
        assert torch.load(last, weights_only=True)["epoch"] == 1
        assert opened.read() == before


def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    trainer, _ = fit(make("clip_mlp"), batches(TRAIN, seed=1), batches(VAL), tmp_path, 1)
    last = tmp_path / "checkpoints" / "last.ckpt"
    before = last.read_bytes()
    with pytest.raises(Exception, match="pickle"):
        trainer.strategy.checkpoint_io.save_checkpoint({"rows": torch.zeros(9), "bad": lambda: 0}, last)
    assert last.read_bytes() == before
    assert sorted(p.name for p in last.parent.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_the_count_of_earlier_checkpoints_is_found() -> None:
    assert LastingStop("val/mse").state_key == EarlyStopping("val/mse").state_key
