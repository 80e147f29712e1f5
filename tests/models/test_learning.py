"""The systems learn what the pairing of texts and faces says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule, seed_everything
from tiny_models import CLOSED_FORM, Arrays, Curves, batches, fit, make, pairs, shuffled_pairing, train_new

pytestmark = pytest.mark.usefixtures("one_thread")
SYSTEMS = ("clip_mlp", "emotion_xlm", "lm_mlp", "vae_clip")
ALL = (*SYSTEMS, *CLOSED_FORM)


@pytest.fixture(scope="module")
def arrays() -> tuple[Arrays, Arrays]:
    """Training and held-out pairs."""
    return pairs(512, seed=0), pairs(256, seed=1)


@pytest.fixture(scope="module", params=ALL)
def trained(
    request: pytest.FixtureRequest, arrays: tuple[Arrays, Arrays], tmp_path_factory: pytest.TempPathFactory
) -> tuple[LightningModule, LightningModule]:
    """A system trained on paired texts and faces, and one on the same with the pairing shuffled."""
    torch.set_num_threads(1)
    train, val = arrays
    folder = tmp_path_factory.mktemp("trained")
    paired = train_new(request.param, train, val, folder / "paired")
    return paired, train_new(request.param, shuffled_pairing(train), val, folder / "shuffled")


def text_error(model: LightningModule, arrays: Arrays) -> float:
    with torch.inference_mode():
        faces = model(torch.from_numpy(arrays["text"])).numpy()
    return float(((faces - arrays["blendshapes"]) ** 2).mean())


def test_pairing_and_content_are_learned(
    trained: tuple[LightningModule, LightningModule], arrays: tuple[Arrays, Arrays]
) -> None:
    train, val = arrays
    paired, shuffled = (text_error(model, val) for model in trained)
    mean_face = float(((train["blendshapes"].mean(axis=0) - val["blendshapes"]) ** 2).mean())
    assert paired < 0.35 * mean_face
    assert paired < 0.4 * shuffled
    assert shuffled > 0.8 * mean_face


def test_a_text_and_its_opposite_get_different_faces(
    trained: tuple[LightningModule, LightningModule], arrays: tuple[Arrays, Arrays]
) -> None:
    text = torch.from_numpy(arrays[1]["text"][:50])
    with torch.inference_mode():
        away = (trained[0](text) - trained[0](-text)).square().mean()
    assert away > 0.02


@pytest.mark.parametrize("name", SYSTEMS)
def test_losses_fall_and_are_logged_once_an_epoch(
    name: str, arrays: tuple[Arrays, Arrays], tmp_path: Path
) -> None:
    seed_everything(1, verbose=False)
    model, curves = make(name), Curves()
    trainer, _ = fit(model, batches(arrays[0], seed=1), batches(arrays[1]), tmp_path, 15, loggers=[curves])
    rows = [row for row in curves.rows if "val/mse" in row]
    assert [row["epoch"] for row in rows] == list(range(15))
    terms = {"train/loss"} | {f"train/{term}" for term in model.loss.weights}
    assert all(terms | {"val/mse"} <= row.keys() for row in rows)
    assert rows[-1]["train/loss"] < 0.6 * rows[0]["train/loss"]
    assert rows[-1]["val/mse"] < 0.7 * rows[0]["val/mse"]
    weighted = sum(weight * rows[-1][f"train/{term}"] for term, weight in model.loss.weights.items())
    assert rows[-1]["train/loss"] == pytest.approx(weighted, rel=1e-4)
    assert trainer.callback_metrics["val/mse"].item() == pytest.approx(
        text_error(model.eval(), arrays[1]), rel=1e-4
    )


def test_validation_error_is_the_mean_over_pairs_not_over_batches(
    arrays: tuple[Arrays, Arrays], tmp_path: Path
) -> None:
    """A last batch of one pair counts as one pair."""
    few = {name: rows[:33] for name, rows in arrays[1].items()}
    model = make("clip_mlp")
    trainer, _ = fit(model, batches(arrays[0], seed=1), batches(few, batch_size=32), tmp_path, 1)
    assert trainer.callback_metrics["val/mse"].item() == pytest.approx(
        text_error(model.eval(), few), rel=1e-5
    )


def test_latent_is_nearest_its_own_text(arrays: tuple[Arrays, Arrays], tmp_path: Path) -> None:
    train, val = arrays
    model = train_new("vae_clip", train, val, tmp_path)
    with torch.inference_mode():
        latent = model.head.encode(torch.from_numpy(val["blendshapes"])).z.numpy()
    latent /= np.linalg.norm(latent, axis=1, keepdims=True)
    cosines = latent @ val["text"].T
    own = cosines.diagonal()
    others = cosines[~np.eye(len(own), dtype=bool)]
    assert own.mean() > others.mean() + 0.6
    rank = (cosines > own[:, None]).sum(axis=1)
    assert np.median(rank) <= 5, "of 256 texts"


def test_without_alignment_the_latent_does_not_know_its_text(
    arrays: tuple[Arrays, Arrays], tmp_path: Path
) -> None:
    train, val = arrays
    seed_everything(1, verbose=False)
    model = make("vae_clip", lambda_text=0.0, lambda_image=0.0)
    fit(model, batches(train, seed=1), batches(val), tmp_path, 15)
    model.eval()
    with torch.inference_mode():
        latent = model.head.encode(torch.from_numpy(val["blendshapes"])).z
        cosine = torch.nn.functional.cosine_similarity(latent, torch.from_numpy(val["text"])).mean()
    assert cosine < 0.3
    assert text_error(model, val) > 0.5 * text_error_of_mean(train, val)


def test_the_decoder_term_lowers_the_error_of_texts(arrays: tuple[Arrays, Arrays], tmp_path: Path) -> None:
    """At equal epochs; where latents keep their own lengths, as the paper has it, by far."""
    train, val = arrays
    errors = {}
    for normalize in (True, False):
        for weight in (0.0, 1.0):
            seed_everything(1, verbose=False)
            model = make("vae_clip", lambda_decoder=weight)
            model.head.normalize_latent = normalize
            fit(model, batches(train, seed=1), batches(val), tmp_path / f"{normalize}_{weight}", 10)
            errors[normalize, weight] = text_error(model.eval(), val)
    assert errors[True, 1.0] < 0.9 * errors[True, 0.0]
    assert errors[False, 1.0] < 0.5 * errors[False, 0.0]


@pytest.mark.parametrize(("weight", "passes"), [(0.0, 1), (0.5, 2)])
def test_without_the_decoder_term_there_is_one_pass_through_the_decoder(
    weight: float, passes: int, arrays: tuple[Arrays, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calls = make("vae_clip", lambda_decoder=weight), []
    monkeypatch.setattr(model, "log", lambda *_, **__: None)
    model.head.decoder.register_forward_hook(lambda *_: calls.append(1))
    model.training_step(next(iter(batches(arrays[0], 16))), 0)
    assert len(calls) == passes


def text_error_of_mean(train: Arrays, val: Arrays) -> float:
    return float(((train["blendshapes"].mean(axis=0) - val["blendshapes"]) ** 2).mean())


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_seed_decides_everything(name: str, arrays: tuple[Arrays, Arrays], tmp_path: Path) -> None:
    train, val = arrays
    models = [
        train_new(name, train, val, tmp_path / str(number), seed=seed, epochs=3)
        for number, seed in enumerate((1, 1, 2, 0))
    ]
    states = [torch.cat([value.flatten() for value in model.state_dict().values()]) for model in models]
    assert torch.equal(states[0], states[1])
    for other in (2, 3):
        assert not torch.equal(states[0], states[other])
        assert text_error(models[0], val) != text_error(models[other], val)


def test_clip_mlp_learns_from_pictures_as_well(arrays: tuple[Arrays, Arrays]) -> None:
    """Every face counts once by its text and once by its picture (section 4: twice the data)."""
    model = make("clip_mlp")
    batch = next(iter(batches(arrays[0], 16)))
    outputs = model.outputs(batch)
    assert outputs["blendshapes"].shape == outputs["target"].shape == (32, 52)
    torch.testing.assert_close(outputs["target"], torch.cat([batch["blendshapes"]] * 2))
    torch.testing.assert_close(
        outputs["blendshapes"], torch.cat([model.head(batch["text"]), model.head(batch["image"])])
    )
    present = torch.arange(16) % 4 == 0
    outputs = model.outputs({**batch, "has_image": present})
    assert outputs["blendshapes"].shape == outputs["target"].shape == (20, 52)
    torch.testing.assert_close(outputs["target"][16:], batch["blendshapes"][present])
