"""What several processes, or several batches, make of a step is what one would have made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning import LightningModule, seed_everything
from tiny_models import batches, make, pairs, trainer_config

from emo3d_exp.app.fit import build_trainer
from emo3d_exp.augmentation import NoisyBatches
from emo3d_exp.data import TensorBatches
from emo3d_exp.data.dealing import Dealing
from emo3d_exp.models.drawing import DrawnTogether
from emo3d_exp.records import StepShare
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("one_thread")
MODELS = ("vae_clip", "clip_mlp", "lm_mlp", "emotion_xlm", "cvae_ensemble")


def dealt(dealing: Dealing | None, count: int = 31, batch_size: int = 9, pictures: bool = True) -> Any:
    arrays = pairs(count)
    if not pictures:
        arrays["image"][::3] = np.nan
    rows = np.arange(count)
    staged = TensorBatches(
        **arrays, pairs=np.stack([rows, rows], axis=1), batch_size=batch_size, shuffle=True, seed=4,
        dealing=dealing,
    )  # fmt: skip
    return NoisyBatches(staged, {"text": 0.1}, seed=5)


def with_dropout(name: str) -> LightningModule:
    torch.manual_seed(0)
    model = make(name, beta=0.1) if name == "vae_clip" else make(name)
    if name == "clip_mlp":
        return model
    network = model.head.decoder.network if name in ("vae_clip", "emotion_xlm") else None
    if network is not None:
        network[0].append(torch.nn.Dropout(0.3))
    return model


def gradient(model: LightningModule, shared: list[Any], divided: int) -> torch.Tensor:
    """Of one step, as Lightning makes it: the mean over processes and accumulated batches."""
    model.zero_grad()
    for batch in shared:
        (model.training_step(batch, 0) / divided).backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("pictures", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_processes_add_up(name: str, pictures: bool) -> None:
    model = with_dropout(name).train()
    apart = [dealt(Dealing(4, rank), pictures=pictures) for rank in range(4)]
    for number, (batch, *parts) in enumerate(zip(dealt(None, pictures=pictures), *apart, strict=True)):
        torch.manual_seed(number)
        expected = gradient(model, [batch], 1)
        after = torch.get_rng_state()
        found = torch.zeros_like(expected)
        for part in parts:
            torch.manual_seed(number)  # as EpochSeed gives every process the same
            found += gradient(model, [part], 4)
            if pictures or name != "clip_mlp":
                assert torch.equal(torch.get_rng_state(), after), "the next step would draw something else"
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        assert expected.abs().max() > 1e-4


def test_fewer_rows_than_processes() -> None:
    model = make("vae_clip")
    batch = next(iter(dealt(None, count=2)))
    torch.manual_seed(1)
    expected = gradient(model, [batch], 1)
    found = torch.zeros_like(expected)
    for rank in range(5):
        torch.manual_seed(1)
        found += gradient(model, [next(iter(dealt(Dealing(5, rank), count=2)))], 5)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["clip_mlp", "lm_mlp"])
def test_accumulated_batches_are_one_large_batch(name: str, tmp_path: Path) -> None:
    """31 pairs by 9: the last step has a whole and a ragged batch, or a ragged one alone."""
    for accumulated in (2, 3):
        states = []
        for size, times in ((9, accumulated), (9 * accumulated, 1)):
            seed_everything(1, verbose=False)
            cfg = trainer_config(4)
            OmegaConf.update(cfg, "trainer.accumulate_grad_batches", times)
            folder = tmp_path / f"{accumulated}_{times}"
            trainer, _ = build_trainer(cfg, RunFolder(folder), "val/mse", [], quiet=True)
            model, dealing = make(name), Dealing(accumulated=times)
            rows = np.arange(31)
            train = TensorBatches(
                **pairs(31), pairs=np.stack([rows, rows], 1), batch_size=size, shuffle=True, dealing=dealing
            )
            trainer.fit(model, train, batches(pairs(20, seed=1)))
            states.append((model.state_dict(), trainer.callback_metrics))
        for key, value in states[0][0].items():
            torch.testing.assert_close(value, states[1][0][key], rtol=0, atol=1e-5, msg=key)
        for key, value in states[0][1].items():
            torch.testing.assert_close(value, states[1][1][key], rtol=1e-5, atol=1e-6, msg=key)


def test_draws_are_parts_of_the_draws_of_all() -> None:
    def drawn(share: StepShare | None, rows: int) -> list[torch.Tensor]:
        torch.manual_seed(3)
        values, dropout = torch.ones(rows, 4), torch.nn.Dropout(0.4)

        def draw() -> list[torch.Tensor]:
            both = dropout(torch.ones(2 * rows, 4))
            return [torch.rand(rows, 1), torch.randn((rows, 3)), torch.randn_like(values), dropout(values),
                    torch.rand_like(values), both[:rows], both[rows:]]  # fmt: skip

        if share is None:
            return draw()
        with DrawnTogether(share):
            return draw()

    whole = drawn(None, 7)
    parts = [drawn(StepShare(start, 7, own, own, 7, 7, 2), own) for start, own in ((0, 3), (3, 4))]
    for expected, *own in zip(whole, *parts, strict=True):
        assert torch.equal(torch.cat(own), expected)
    other = drawn(StepShare(3, 7, 4, 4, 7, 7, 2), 4)
    with DrawnTogether(StepShare(3, 7, 4, 4, 7, 7, 2)):
        torch.manual_seed(3)
        unlike = torch.rand(5)
    torch.manual_seed(3)
    assert torch.equal(unlike, torch.rand(5)) and len(other) == 7


def test_validation_counts_each_pair_once() -> None:
    model = make("lm_mlp").eval()

    def sums(dealing: Dealing | None) -> tuple[float, float]:
        model._sums = {}
        for number, batch in enumerate(dealt(dealing, count=13, batch_size=4)):
            model.validation_step(batch, number)
        return float(model._sums["mse"]), float(model._sums["count"])

    whole = sums(None)
    parts = np.array([sums(Dealing(3, rank)) for rank in range(3)]).sum(axis=0)
    assert whole[1] == parts[1] == 13
    assert parts[0] == pytest.approx(whole[0], rel=1e-6)


def test_bfloat16_trains_weights_in_full_precision(tmp_path: Path) -> None:
    errors = {}
    for precision in ("32-true", "bf16-mixed"):
        seed_everything(1, verbose=False)
        cfg = trainer_config(10)
        OmegaConf.update(cfg, "trainer.precision", precision, force_add=True)
        trainer, _ = build_trainer(cfg, RunFolder(tmp_path / precision), "val/mse", [], quiet=True)
        model = make("vae_clip")
        before = {name: value.clone() for name, value in model.state_dict().items()}
        trainer.fit(model, batches(pairs(96), seed=1), batches(pairs(20, seed=1)))
        assert {value.dtype for value in model.state_dict().values()} == {torch.float32}
        assert any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())
        errors[precision] = float(trainer.callback_metrics["val/mse"])
    assert errors["bf16-mixed"] == pytest.approx(errors["32-true"], rel=0.1)
