"""Processes that keep a part of the weights each (FSDP) train as one does; here on the CPU, by gloo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import ROOT
from pytorch_lightning.strategies import FSDPStrategy
from torch.distributed.fsdp import FullyShardedDataParallel, _optim_utils

sys.path.append(str(ROOT / "tests" / "app"))
from test_fine_tuning_run import CASES, WORDS, tuning_config
from test_several_processes import begun, largest_difference
from tiny_language_models import saved

from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

pytestmark = [pytest.mark.usefixtures("cache", "one_thread", "quick_start"), pytest.mark.enable_socket]
SHARDED = ("trainer=ddp_sim", "trainer.strategy={_target_:test_sharded_training.OnCPU}")
SETTINGS = ("model=vae_clip", "head.dropout=0.2")


class ShardsOnCPU(FullyShardedDataParallel):
    """Would look for a GPU."""

    def __init__(self, module: torch.nn.Module, device_id: None, **settings: Any) -> None:
        super().__init__(module, device_id=torch.device("cpu"), **settings)


class OnCPU(FSDPStrategy):
    """Lightning refuses its own on the CPU, by its class."""

    def _setup_model(self, model: torch.nn.Module) -> torch.nn.Module:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("torch.distributed.fsdp.FullyShardedDataParallel", ShardsOnCPU)
            return super()._setup_model(model)

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        def apart(shards: Any, states: dict[str, Any], name: str, *rest: Any) -> None:
            unflatten(shards, states, name, *rest)
            for state in states.values():  # torch gathers each into the memory of the one before, to be
                state[name] = state[name].clone()  # copied to the CPU, which copies nothing here

        unflatten = _optim_utils._unflatten_orig_param_states
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_optim_utils, "_unflatten_orig_param_states", apart)
            return super().optimizer_state(optimizer)


def trained(folder: Path, *overrides: str) -> tuple[RunFolder, float]:
    run, cfg = begun(folder, *SETTINGS, "trainer.max_epochs=3", *overrides)
    return run, train_in(run, cfg)


@pytest.mark.slow
def test_shards_become_one_model(tmp_path: Path) -> None:
    alone, best = trained(tmp_path / "alone")
    shared, found = trained(tmp_path / "shared", *SHARDED)
    assert found == pytest.approx(best, abs=1e-6)
    assert largest_difference(alone, shared) < 1e-5


@pytest.mark.slow
def test_shards_go_on_as_shards_and_as_one(tmp_path: Path) -> None:
    alone, shared = trained(tmp_path / "alone")[0], trained(tmp_path / "shared", *SHARDED)[0]
    ends = []
    for number, (run, more) in enumerate([(alone, ()), (shared, SHARDED), (shared, ()), (alone, SHARDED)]):
        other, cfg = begun(tmp_path / f"on_{number}", *SETTINGS, *more)
        ends.append((other, train_in(other, cfg, run.last_checkpoint)))
    (expected, best), *others = ends
    for other, found in others:
        assert found == pytest.approx(best, abs=1e-6)
        assert largest_difference(expected, other) < 1e-5


def tuned(folder: Path, case: str, *overrides: str) -> RunFolder:
    save, model, tuning = CASES[case]
    weights = saved(folder / "weights", save, words=WORDS, positions=48)
    cfg = tuning_config(
        folder, weights, model, {**tuning, "weight_decay": 5.0}, *overrides, "trainer.max_epochs=2",
        "evaluate=false", "optimizer._target_=torch.optim.SGD",
    )  # fmt: skip
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    train_in(run, cfg)
    return run


@pytest.mark.slow
def test_shards_of_a_language_model_decay_too(tmp_path: Path) -> None:
    whole = tuned(tmp_path / "whole", "bert-all", "trainer=ddp_sim")
    shared = tuned(tmp_path / "shared", "bert-all", *SHARDED)
    assert largest_difference(whole, shared) < 1e-5


@pytest.mark.parametrize("case", ["xlmr-lora", "bert-last"])
def test_shards_of_what_stands_still_are_refused(case: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trainer=ddp"):
        tuned(tmp_path, case, *SHARDED)
