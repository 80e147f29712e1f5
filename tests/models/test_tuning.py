"""Training a language model along with the head: pace, decay, precision, and what it is worth."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from tiny_language_models import FEELINGS, batches_of, order_task, save_bert, save_xlmr, saved, trainable
from tiny_models import fit, make, trainer_config

from emo3d_exp.app.fit import build_trainer
from emo3d_exp.backbones import TransformersEncoder, Tuning
from emo3d_exp.errors import ConfigError
from emo3d_exp.models.base import FaceSystem
from emo3d_exp.models.tuning import DECAY
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("one_thread")
VOCABULARY = [*FEELINGS, "with"]
TRAIN, VAL = order_task(192, seed=0), order_task(64, seed=1)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("bert"), save_bert, words=VOCABULARY)


def frozen(folder: Path) -> TransformersEncoder:
    return TransformersEncoder("tiny", str(folder), "mean", False, 24, device="cpu")


def system(encoder: TransformersEncoder, name: str = "lm_mlp", lr: float = 1e-2) -> FaceSystem:
    seed_everything(1, verbose=False)
    model = make(name, lr)
    model.tower = encoder.text_tower()
    return model


def error(model: FaceSystem, batches: Any) -> float:
    """Mean squared error over all pairs."""
    model.eval()
    with torch.inference_mode():
        rows = [
            (model.from_text(model.embedded(batch)["text"]) - batch["blendshapes"]).square().mean(dim=1)
            for batch in batches
        ]
    return float(torch.cat(rows).mean())


@pytest.mark.parametrize(
    ("save", "name"), [(save_bert, "emotion_xlm"), (save_xlmr, "lm_mlp")], ids=["bert", "xlmr"]
)
def test_a_trained_tower_reads_what_a_frozen_one_does_not(save: Any, name: str, tmp_path: Path) -> None:
    """Both on random weights, whose mean-pooled vectors hardly know the order of the words."""
    folder, errors = saved(tmp_path / "model", save, words=VOCABULARY), {}
    for kind, encoder in {"tuned": trainable(folder, lr=1e-2), "frozen": frozen(folder)}.items():
        model, val = system(encoder, name), batches_of(encoder, *VAL)
        fit(model, batches_of(encoder, *TRAIN, batch_size=16, seed=1), val, tmp_path / kind, 8)
        errors[kind] = error(model, val)
    mean_face = float(np.square(VAL[1] - TRAIN[1].mean(axis=0)).mean())
    assert errors["tuned"] < 0.1 * mean_face
    assert errors["tuned"] < 0.5 * errors["frozen"]


def slow_factor(schedule: str, warmup: float, steps: int) -> list[float]:
    """Every step's share of the learning rate, one after another."""
    rising = 0
    while rising < warmup * steps:
        rising += 1
    factors = [(number + 1) / rising for number in range(rising)]
    falling = steps - rising
    for number in range(falling):
        left = (falling - number) / falling
        factors.append({"linear": left, "constant": 1.0}.get(schedule, math.sin(math.pi * left / 2) ** 2))
    return factors


class Rates(Callback):
    """Notes the learning rates that each step was made with."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: Any, optimizer: Any) -> None:
        self.rows.append([group["lr"] for group in optimizer.param_groups])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_every_step_has_the_learning_rate_that_is_stated(
    bert: Path, schedule: str, warmup: float, tmp_path: Path
) -> None:
    encoder = trainable(bert, last_layers=1, lr=0.004, schedule=schedule, warmup=warmup)
    rates = Rates()
    trainer, _ = build_trainer(trainer_config(3), RunFolder(tmp_path), "val/mse", [], quiet=True)
    trainer.callbacks.insert(0, rates)
    few = TRAIN[0][:70], TRAIN[1][:70]
    trainer.fit(system(encoder), batches_of(encoder, *few, seed=1), batches_of(encoder, *few))
    expected = [0.004 * factor for factor in slow_factor(schedule, warmup, 9)]
    assert len(rates.rows) == 9
    for got, rate in zip(rates.rows, expected, strict=True):
        assert got == pytest.approx([0.01, rate, rate])


def test_groups_hold_each_trained_parameter_once(bert: Path) -> None:
    from emo3d_exp.models.tuning import tuning_optimizer

    model = system(trainable(bert, last_layers=1))
    made = tuning_optimizer(model.make_optimizer, model, model.tower, 10)
    groups = made["optimizer"].param_groups
    held = [p for group in groups for p in group["params"]]
    assert len({id(p) for p in held}) == len(held)
    assert {id(p) for p in held} == {id(p) for p in model.parameters() if p.requires_grad}
    assert [group.get(DECAY) for group in groups] == [None, 0.01, 0.0]
    assert {p.ndim for p in groups[1]["params"]} == {2}
    assert {p.ndim for p in groups[2]["params"]} == {1}
    with pytest.raises(ConfigError, match=r"set trainer\.max_epochs"):
        tuning_optimizer(model.make_optimizer, model, model.tower, math.inf)


def test_decay_is_that_of_adamw_whatever_the_optimizer(bert: Path, tmp_path: Path) -> None:
    """Against torch's AdamW, step by step, without dropout; the head's Adam has none."""
    encoder = trainable(bert, lr=0.01, weight_decay=0.5, warmup=0.0, schedule="constant")
    batches, model = batches_of(encoder, *TRAIN, batch_size=64), system(encoder)
    slow = system(encoder)
    for module in (*model.modules(), *slow.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    fit(model, batches, batches, tmp_path, 1)
    matrices = [p for p in slow.tower.parameters() if p.ndim > 1]
    others = [p for p in slow.tower.parameters() if p.ndim < 2]
    groups = [
        {"params": list(slow.head.parameters()), "weight_decay": 0.0},
        {"params": matrices, "weight_decay": 0.5},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    for batch in batches:
        optimizer.zero_grad()
        faces = slow.head(slow.tower(batch["tokens"]))
        (faces - batch["blendshapes"]).square().mean().backward()
        optimizer.step()
    for (name, ours), (_, theirs) in zip(model.named_parameters(), slow.named_parameters(), strict=True):
        if not name.endswith("key.bias"):  # softmax does not see it: its gradient is mere rounding
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("name", ["lm_mlp", "emotion_xlm"])
def test_half_precision_runs_and_learns(bert: Path, name: str, tmp_path: Path) -> None:
    encoder = trainable(bert, lr=1e-2, gradient_checkpointing=True)
    model, val = system(encoder, name), batches_of(encoder, *VAL)
    modes = [module.training for module in model.modules()]
    before = error(model, val)
    model.train()
    assert [module.training for module in model.modules()] == modes, "all of it was in training mode"
    cfg = trainer_config(3)
    cfg.trainer.precision = "bf16-mixed"
    trainer, _ = build_trainer(cfg, RunFolder(tmp_path), "val/mse", [], quiet=True)
    trainer.fit(model, batches_of(encoder, *TRAIN, seed=1), val)
    assert error(model, val) < 0.8 * before
    assert all(p.dtype == torch.float32 for p in model.parameters())
    logged = float(trainer.callback_metrics["val/mse"])
    assert logged == pytest.approx(error(model, val), rel=0.02)


def test_a_stopped_training_goes_on_as_if_it_had_not(bert: Path, tmp_path: Path) -> None:
    """Dropout, order, schedule and both optimizers' moments: four epochs, and two with two more."""
    encoder = trainable(bert, lr=1e-2, last_layers=1)
    few = TRAIN[0][:96], TRAIN[1][:96]
    stopped = tmp_path / "parts" / "checkpoints" / "last.ckpt"
    run = partial(_run, encoder, few)
    whole = run(tmp_path / "whole", stop_after=None)
    run(tmp_path / "parts", stop_after=2)
    rest = run(tmp_path / "parts", stop_after=None, resume_from=stopped)
    kept = torch.load(stopped, weights_only=True)
    assert {key for key in kept["state_dict"] if key.startswith("tower.")} == {
        f"tower.{name}" for name in whole.tower.trained
    }
    for key, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[key]), key


class StopAfter(Callback):
    """Ends the training as a signal would, in the middle of an epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.current_epoch == self.epochs:
            raise InterruptedError


def _run(
    encoder: TransformersEncoder, few: Any, folder: Path, stop_after: int | None, resume_from: Any = None
) -> FaceSystem:
    model = system(encoder)
    trainer, _ = build_trainer(trainer_config(4), RunFolder(folder), "val/mse", [], quiet=True)
    data = batches_of(encoder, *few, seed=3), batches_of(encoder, *VAL)
    if stop_after is None:
        trainer.fit(model, *data, ckpt_path=resume_from, weights_only=True if resume_from else None)
        return model
    trainer.callbacks.append(StopAfter(stop_after))
    with pytest.raises(InterruptedError):
        trainer.fit(model, *data)
    return model


def test_factor_never_leaves_zero_to_one() -> None:
    for tuning in (Tuning(), Tuning(warmup=0.99), Tuning(schedule="cosine")):
        for steps in (1, 2, 7):
            factors = [tuning.factor(step, steps) for step in range(steps + 3)]
            assert all(0 <= factor <= 1 for factor in factors)
            assert max(factors[:steps]) == 1
