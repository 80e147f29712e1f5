"""What every registered model keeps to, whoever wrote it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from tiny_models import DIM, batches_for, fit, make

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.models import MODEL_NAMES, model_class, register_model
from emo3d_exp.models.base import FaceSystem, TextToBlendshapes
from emo3d_exp.models.closed_form import ClosedForm
from emo3d_exp.models.registry import _REGISTRY
from emo3d_exp.models.weights import load_weights, read_description, save_weights
from emo3d_exp.testing import check_model

CASES = ("clip_mlp", "cvae_ensemble", "emotion_xlm", "face_clip", "lm_mlp", "nearest", "ridge", "vae_clip")
"""Registered models with a small version in ``tiny_models.make``."""

TEXT_TO_FACE = [name for name in CASES if issubclass(model_class(name), FaceSystem)]
BY_STEPS = [name for name in CASES if not issubclass(model_class(name), ClosedForm)]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def model(name: str) -> LightningModule:
    torch.manual_seed(3)
    return make(name)


@pytest.fixture
def batch(name: str) -> dict[str, Any]:
    return next(iter(batches_for(name, 24)))


def test_every_registered_model_has_a_case() -> None:
    assert set(CASES) == set(MODEL_NAMES) | {
        n for n, c in _REGISTRY.items() if c.__module__.startswith("emo3d_exp")
    }


@pytest.mark.parametrize("name", BY_STEPS)
def test_loss_is_a_finite_scalar_and_reaches_every_parameter(
    model: LightningModule, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "log", lambda *_, **__: None)
    loss = model.training_step(batch, 0)
    assert loss.shape == ()
    assert loss.isfinite()
    loss.backward()
    unreached = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unreached == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", CASES)
def test_modalities_are_said(model: LightningModule) -> None:
    assert {"text"} <= model.modalities <= {"text", "image"}


@pytest.mark.parametrize("name", TEXT_TO_FACE)
def test_faces_are_52_scores_in_0_to_1(model: FaceSystem) -> None:
    model.eval()
    for size in (0, 1, 5):
        with torch.inference_mode():
            faces = model(20 * torch.randn(size, DIM))
        assert faces.shape == (size, 52)
        assert faces.dtype == torch.float32
        assert ((faces >= 0) & (faces <= 1)).all()


@pytest.mark.parametrize("name", TEXT_TO_FACE)
def test_inference_is_deterministic_and_row_by_row(model: FaceSystem) -> None:
    model.eval()
    text = torch.randn(6, DIM)
    with torch.inference_mode():
        first, second = model(text), model(text)
        alone = torch.cat([model(text[row : row + 1]) for row in range(6)])
    assert torch.equal(first, second)
    torch.testing.assert_close(alone, first)


@pytest.mark.parametrize("name", TEXT_TO_FACE)
def test_a_batch_may_hold_faces_without_a_picture(model: FaceSystem, batch: dict[str, Any]) -> None:
    if "image" not in model.modalities:
        pytest.skip("sees no pictures")
    present = torch.arange(len(batch["text"])) % 3 != 0
    some = {**batch, "has_image": present, "image": batch["image"].where(present[:, None], torch.tensor(0.0))}
    changed = {**some, "image": batch["image"].where(present[:, None], torch.tensor(9.0))}
    losses = []
    for given in (some, changed):
        torch.manual_seed(0)
        losses.append(model.training_step(given, 0))
    assert losses[0].isfinite()
    assert torch.equal(*losses)


@pytest.mark.parametrize("name", TEXT_TO_FACE)
def test_what_plug_ins_are_checked_for_holds(model: FaceSystem) -> None:
    if isinstance(model, ClosedForm):
        pytest.skip("takes no steps")
    check_model(model, DIM)


@pytest.mark.parametrize("method", ["portion", "training_step"])
def test_a_model_that_shares_wrongly_is_found(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As plug-ins are that know nothing of several processes."""
    kind = model_class("clip_mlp")
    own = {
        "portion": TextToBlendshapes.portion,
        "training_step": lambda self, batch, _: self.loss(self.outputs(batch), batch)[0],
    }
    monkeypatch.setattr(kind, method, own[method])
    with pytest.raises(AssertionError, match=r"two processes train otherwise"):
        check_model(make("clip_mlp"), DIM)


@pytest.mark.parametrize("name", CASES)
def test_weights_survive_the_round_trip(model: LightningModule, name: str, tmp_path: Path) -> None:
    description = {"model": name, "val/mse": 0.5}
    save_weights(model, tmp_path / "weights.safetensors", description, tmp_path / "model.json")
    torch.manual_seed(4)
    other = make(name)
    before = copy.deepcopy(other.state_dict())
    load_weights(other, tmp_path / "weights.safetensors")
    for key, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])
    assert any(not torch.equal(before[key], value) for key, value in other.state_dict().items())
    assert read_description(tmp_path / "model.json") == description
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_weights(make("clip_mlp"), tmp_path / "weights.safetensors", {}, tmp_path / "model.json")
    with pytest.raises(Emo3DError, match=r"weights\.safetensors does not hold the weights"):
        load_weights(make("vae_clip"), tmp_path / "weights.safetensors")


@pytest.mark.parametrize("content", [b"", b"no safetensors at all"])
def test_a_damaged_weights_file_is_told(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(content)
    with pytest.raises(Emo3DError, match=r"weights\.safetensors"):
        load_weights(make("clip_mlp"), file)


@pytest.mark.parametrize("name", sorted({*TEXT_TO_FACE} & {*BY_STEPS}))
def test_optimizer_holds_every_parameter(model: LightningModule) -> None:
    optimizer = model.configure_optimizers()
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters()}
    assert optimizer.defaults["lr"] == 1e-2


@pytest.mark.parametrize("name", BY_STEPS)
def test_checkpoints_are_plain(model: LightningModule, name: str, tmp_path: Path) -> None:
    """No pickled classes: torch's safe loading reads them; a training goes on from the last."""
    monitor = "val/loss" if name == "face_clip" else "val/mse"
    before = copy.deepcopy(model.state_dict())
    _, best = fit(model, batches_for(name, 64), batches_for(name, 32, seed=1), tmp_path, 1, monitor)
    for file in (Path(best.best_model_path), tmp_path / "checkpoints" / "last.ckpt"):
        checkpoint = torch.load(file, weights_only=True)
        assert checkpoint["state_dict"].keys() == model.state_dict().keys()
    assert checkpoint["optimizer_states"]
    trained = [k for k, v in model.state_dict().items() if not torch.equal(v, before[k])]
    assert set(trained) == {k for k, _ in model.named_parameters()}


def test_unknown_models_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'vae_clop'.*face_clip, lm_mlp, nearest"):
        model_class("vae_clop")


def test_a_name_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model_class("clip_mlp")
    with pytest.raises(ValueError, match="'clip_mlp' is taken by emo3d_exp"):
        register_model("clip_mlp")(type("Another", (), {}))


def test_other_packages_may_bring_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    from emo3d_exp.models import registry

    entry = metadata.EntryPoint("outside", "collections:OrderedDict", "emo3d_exp.models")
    monkeypatch.setattr(registry, "_REGISTRY", dict(_REGISTRY))
    monkeypatch.setattr(
        registry, "entry_points", lambda group, name=None: [entry] if name in (None, "outside") else []
    )
    assert model_class("outside").__name__ == "OrderedDict"
    with pytest.raises(ConfigError, match="nearest, outside, ridge"):
        model_class("nowhere")
