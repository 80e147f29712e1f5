"""The training of the judge, with a stand-in for its image tower."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning import seed_everything
from tiny_models import CLIP_DIM, SIDE, TEXT_DIM, Curves, PicturePairs, TinyClip, fit, make

from emo3d_exp.losses import ContrastiveLoss, contrastive_loss
from emo3d_exp.models.face_clip import FaceCLIPTraining, PixelAugmentation

pytestmark = pytest.mark.usefixtures("one_thread")


def test_random_pairs_can_be_learned_by_heart(tmp_path: Path) -> None:
    seed_everything(1, verbose=False)
    known, curves = PicturePairs(64, 64), Curves()
    model = make("face_clip", lr=1e-2)
    fit(model, known, known, tmp_path, 120, monitor="val/loss", loggers=[curves])
    losses = [row["val/loss"] for row in curves.rows if "val/loss" in row]
    assert losses[0] > 3.0, "of log(64) = 4.16 by chance"
    assert losses[-1] < 1.2
    with torch.inference_mode():
        image = model.eval().encode_pixels(known.columns["pixels"], augment=False)
        text = model.encode_text(known.columns["text"])
    similar = torch.nn.functional.normalize(image, dim=1) @ torch.nn.functional.normalize(text, dim=1).T
    assert (similar.argmax(dim=1) == torch.arange(64)).float().mean() > 0.5


def test_validation_is_plain_contrast_over_all_held_out_pairs(tmp_path: Path) -> None:
    model = make("face_clip", like_share=0.4)
    held_out = PicturePairs(48, 20, seed=3)
    trainer, _ = fit(model, PicturePairs(32, 32), held_out, tmp_path, 1, monitor="val/loss")
    model.eval()
    with torch.inference_mode():
        image = model.encode_pixels(held_out.columns["pixels"], augment=False)
        text = model.encode_text(held_out.columns["text"])
        expected = contrastive_loss(image, text, model.clip.logit_scale.exp(), torch.eye(48))
    assert image.shape == text.shape == (48, CLIP_DIM)
    assert trainer.callback_metrics["val/loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    unit = [torch.nn.functional.normalize(rows, dim=1).tolist() for rows in (image, text)]
    hits = 0
    for row, picture in enumerate(unit[0]):
        cosines = [sum(a * b for a, b in zip(picture, t, strict=True)) for t in unit[1]]
        hits += sorted(cosines, reverse=True).index(cosines[row]) < 10
    assert trainer.callback_metrics["val/image_to_text_r_at_10"].item() == pytest.approx(hits / 48)


def test_temperature_stays_within_its_bounds(tmp_path: Path) -> None:
    model = make("face_clip")
    with torch.no_grad():
        model.clip.logit_scale.fill_(9.0)
    fit(model, PicturePairs(96, 32), PicturePairs(32, 32, seed=1), tmp_path, 1, monitor="val/loss")
    assert 4.0 < model.clip.logit_scale.item() < 4.7


def test_rate_rises_and_then_falls_to_nothing(tmp_path: Path) -> None:
    from pytorch_lightning import LightningModule, Trainer
    from pytorch_lightning.callbacks import Callback

    rates: list[float] = []

    class Watch(Callback):
        def on_train_batch_start(
            self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
        ) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    trainer = Trainer(
        max_epochs=10,
        accelerator="cpu",
        callbacks=[Watch()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(make("face_clip", lr=1e-2), PicturePairs(64, 32), PicturePairs(32, 32))
    assert len(rates) == 20
    assert rates[0] == pytest.approx(0.05 * 1e-2)
    assert np.argmax(rates) == 5
    assert rates[5] == pytest.approx(1e-2)
    assert np.all(np.diff(rates[5:]) < 0)
    assert rates[-1] < 2e-4


@pytest.fixture
def pixels() -> torch.Tensor:
    """400 pictures with a dark left and a bright right half."""
    picture = torch.cat(
        [torch.full((3, SIDE, SIDE // 2), -1.0), torch.full((3, SIDE, SIDE // 2), 1.0)], dim=2
    )
    return picture.expand(400, 3, SIDE, SIDE).contiguous()


def test_augmentation_keeps_the_shape_and_mirrors_half(pixels: torch.Tensor) -> None:
    torch.manual_seed(0)
    changed = PixelAugmentation()(pixels)
    assert changed.shape == pixels.shape
    assert changed.isfinite().all()
    left, right = changed[..., : SIDE // 2].mean(dim=(1, 2, 3)), changed[..., SIDE // 2 :].mean(dim=(1, 2, 3))
    mirrored = (left > right).float().mean().item()
    assert 0.4 < mirrored < 0.6


def test_augmentation_without_strength_is_a_mirror_alone(pixels: torch.Tensor) -> None:
    torch.manual_seed(0)
    picture = torch.randn(3, SIDE, SIDE)
    changed = PixelAugmentation(shift=0.0, zoom=0.0, light=0.0)(picture.expand(40, -1, -1, -1).contiguous())
    flipped = picture.flip(-1)
    kinds = []
    for row in changed:
        same = torch.allclose(row, picture, atol=1e-4)
        assert same or torch.allclose(row, flipped, atol=1e-4)
        kinds.append(same)
    assert 5 < sum(kinds) < 35


def test_augmentation_shifts_by_at_most_its_part_of_the_picture() -> None:
    torch.manual_seed(0)
    side = 100
    dot = torch.zeros(300, 3, side, side)
    dot[..., 50, :] = 1.0
    rows = PixelAugmentation(shift=0.06, zoom=0.0, light=0.0)(dot)[:, 0].mean(dim=2).argmax(dim=1).float()
    assert (rows - 50).abs().max() <= 7
    assert (rows - 50).abs().max() >= 4
    assert rows.std() > 2


def test_augmentation_changes_light_about_the_mean() -> None:
    torch.manual_seed(0)
    picture = torch.randn(1, 3, SIDE, SIDE).expand(300, -1, -1, -1).contiguous()
    changed = PixelAugmentation(shift=0.0, zoom=0.0, light=0.2)(picture)
    contrast = changed.std(dim=(1, 2, 3)) / picture[0].std()
    brightness = changed.mean(dim=(1, 2, 3)) - picture[0].mean()
    assert 0.79 < contrast.min() < 0.85
    assert 1.15 < contrast.max() < 1.21
    assert brightness.abs().max() <= 0.2001
    assert brightness.std() > 0.05


def test_noise_grows_with_the_embedding() -> None:
    torch.manual_seed(0)
    model = FaceCLIPTraining(
        TinyClip(), ContrastiveLoss(), partial(torch.optim.Adam), text_noise=0.5, text_dropout=0.0
    )
    model.clip.text.proj = torch.nn.Identity()
    text = torch.randn(1, TEXT_DIM).expand(4000, -1)
    pixels = torch.zeros(4000, 4, 4, 3, dtype=torch.uint8)
    model.clip.visual = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, TEXT_DIM))
    model.probe = torch.nn.LazyLinear(60)  # the embedding is as wide as the text's here
    for factor in (1.0, 10.0):
        noisy = model.outputs({"text": factor * text, "pixels": pixels})["text"]
        root_mean_square = (factor * text[0]).square().mean().sqrt()
        torch.testing.assert_close(
            (noisy - factor * text).std(dim=0), (0.5 * root_mean_square).expand(TEXT_DIM), rtol=0.06, atol=0
        )
