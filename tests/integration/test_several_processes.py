"""Two processes train as one does, and a run goes on with another number of them."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT
from omegaconf import DictConfig
from safetensors.numpy import load_file

sys.path.append(str(ROOT / "tests" / "app"))
from tiny_task import config

from emo3d_exp.app import processes
from emo3d_exp.app.resuming import take_place
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder

pytestmark = [pytest.mark.usefixtures("cache", "one_thread", "quick_start"), pytest.mark.enable_socket]
SETTINGS = {
    "vae_clip": ("model=vae_clip", "head.dropout=0.2"),
    "clip_mlp": ("model=clip_mlp", "trainer.accumulate_grad_batches=2", "augmentation=noise"),
    "emotion_xlm": ("model=emotion_xlm",),
}


def begun(folder: Path, *overrides: str) -> tuple[RunFolder, DictConfig]:
    """80 samples, some without a picture, in batches of 13: a part of two processes is never the same."""
    cfg = config(
        folder, "tracking=csv", "batch_size=13", "trainer.max_epochs=4", "patience=null", "evaluate=false",
        *overrides,
    )  # fmt: skip
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    return run, cfg


def curves(run: RunFolder) -> list[dict[str, float]]:
    with (run.path / "curves" / "metrics.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [{k: float(v) for k, v in row.items() if v and "/" in k} for row in rows]


def largest_difference(one: RunFolder, other: RunFolder) -> float:
    first, second = load_file(one.weights_file), load_file(other.weights_file)
    assert first.keys() == second.keys()
    return max(float(np.abs(values - second[name]).max()) for name, values in first.items())


@pytest.mark.parametrize("model", SETTINGS)
def test_two_processes_are_one(model: str, tmp_path: Path) -> None:
    alone, cfg = begun(tmp_path / "alone", *SETTINGS[model])
    best = train_in(alone, cfg)
    shared, cfg = begun(tmp_path / "shared", *SETTINGS[model], "trainer=ddp_sim")
    assert train_in(shared, cfg) == pytest.approx(best, abs=1e-6)
    assert largest_difference(alone, shared) < 1e-5
    expected, found = curves(alone), curves(shared)
    assert len(expected) == len(found) > 3
    for one, other in zip(expected, found, strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-6)
    files = [{str(f.relative_to(run.path)) for f in run.path.rglob("*")} for run in (alone, shared)]
    assert files[0] == files[1], "the other process wrote something"


@pytest.mark.parametrize(("first", "then"), [("cpu", "ddp_sim"), ("ddp_sim", "cpu")])
def test_a_run_goes_on_with_another_number_of_processes(first: str, then: str, tmp_path: Path) -> None:
    settings = (*SETTINGS["vae_clip"], "optimizer.lr=0.0003")
    whole, cfg = begun(tmp_path / "whole", *settings)
    best = train_in(whole, cfg)
    parted, cfg = begun(tmp_path / "parted", *settings, f"trainer={first}")
    stopped = cfg.copy()
    stopped.trainer.max_epochs = 2
    train_in(parted, stopped)
    for file in (parted.weights_file, parted.model_file):
        file.unlink()
    own = parted.config()
    take_place(own, config(tmp_path / "asked", f"trainer={then}"), ["run_dir", "resume", "trainer"])
    assert own.trainer.devices == (2 if then == "ddp_sim" else 1)
    assert own.trainer.max_epochs == 4
    assert train_in(parted, own, parted.last_checkpoint) == pytest.approx(best, abs=1e-6)
    assert largest_difference(whole, parted) < 1e-6


def test_a_process_that_fails_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, cfg = begun(tmp_path, "model=lm_mlp", "trainer=ddp_sim")
    lost = run.last_checkpoint
    monkeypatch.setattr(processes, "take_part", failing)
    with pytest.raises(Emo3DError, match=r"process 1 of 2 has failed \(status 1\)"):
        train_in(run, cfg)
    assert not lost.exists() and not run.weights_file.exists()


def failing(*_: object) -> None:
    raise SystemExit(1)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("model=ridge", "trainer=ddp_sim"), "model=ridge is trained by one process"),
        (("model=lm_mlp", "trainer=ddp_sim", "trainer.num_nodes=2"), "start 4 of them"),
        (("model=lm_mlp", "trainer=ddp_sim", "trainer.strategy=ddp_spawn"), "choose ddp or fsdp"),
    ],
)
def test_what_cannot_be_shared_is_refused(overrides: tuple[str, ...], message: str, tmp_path: Path) -> None:
    run, cfg = begun(tmp_path, *overrides)
    with pytest.raises(ConfigError, match=message):
        train_in(run, cfg)
