"""Emotion-XLM: what it concatenates, whom the teacher helps, what the extractor learns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning import seed_everything
from tiny_models import DIM, Arrays, Curves, batches, fit, make, pairs
from torch import Tensor

from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import EmotionHead
from emo3d_exp.heads.emotion import joined
from emo3d_exp.losses import EmotionXLMLoss
from emo3d_exp.models import FixedRatio, ScheduledRatio, TeacherForcing
from emo3d_exp.models.emotion_xlm import EmotionXLM

pytestmark = pytest.mark.usefixtures("one_thread")


def model_with(teacher_forcing: TeacherForcing, seed: int = 0) -> EmotionXLM:
    torch.manual_seed(seed)
    optimizer = partial(torch.optim.Adam, lr=1e-2)
    return EmotionXLM(EmotionHead(DIM, (32,)), EmotionXLMLoss(1.0, 1.0), optimizer, teacher_forcing)


def slow_joined(embedding: Sequence[float], emotions: Sequence[float]) -> list[float]:
    strongest = 0
    for index, value in enumerate(emotions):
        if value > emotions[strongest]:
            strongest = index
    return [*embedding, *emotions, *(1.0 if index == strongest else 0.0 for index in range(8))]


def test_embedding_emotions_and_one_hot_stand_side_by_side() -> None:
    torch.manual_seed(0)
    embedding, emotions = torch.randn(30, 5), torch.rand(30, 8).mul(4).round() / 4  # with ties
    rows = zip(embedding.tolist(), emotions.tolist(), strict=True)
    expected = torch.tensor([slow_joined(*row) for row in rows])
    torch.testing.assert_close(joined(embedding, emotions), expected)


def test_a_language_model_of_768_makes_784() -> None:
    widths = {name: tuple(p.shape) for name, p in EmotionHead(768, ()).named_parameters() if p.dim() == 2}
    assert sorted(widths.values()) == [(8, 768), (52, 784)]


def test_the_extractor_is_linear_or_has_layers() -> None:
    def shapes(extractor_hidden: tuple[int, ...]) -> list[tuple[int, ...]]:
        extractor = EmotionHead(20, extractor_hidden=extractor_hidden).extractor
        return [tuple(p.shape) for p in extractor.parameters() if p.dim() == 2]

    assert shapes(()) == [(8, 20)]
    assert shapes((6, 5)) == [(6, 20), (5, 6), (8, 5)]


def slow_face(head: EmotionHead, text: Tensor, emotions: Sequence[float]) -> Tensor:
    return head.decoder(torch.tensor([slow_joined(text.tolist(), emotions)]))[0]


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_each_sample_sees_its_own_truth_or_what_is_read(ratio: float) -> None:
    model = model_with(FixedRatio(ratio)).train()
    batch = next(iter(batches(pairs(400), 400)))
    with torch.no_grad():
        outputs = model.outputs(batch)
        read = model.head.extractor(batch["text"])
        torch.testing.assert_close(outputs["emotions"], read)
        taught = 0
        for row, text in enumerate(batch["text"]):
            told = slow_face(model.head, text, batch["emotions"][row].tolist())
            own = slow_face(model.head, text, read[row].tolist())
            assert not torch.allclose(told, own, atol=1e-4), "or the case shows nothing"
            is_told = torch.allclose(outputs["blendshapes"][row], told, atol=1e-5)
            assert is_told or torch.allclose(outputs["blendshapes"][row], own, atol=1e-5)
            taught += is_told
    expected = {0.0: (0, 0), 0.5: (160, 240), 1.0: (400, 400)}[ratio]  # ± 4 standard deviations
    assert expected[0] <= taught <= expected[1]


def test_the_choice_is_made_anew_for_every_batch() -> None:
    model = model_with(FixedRatio(0.5)).train()
    batch = next(iter(batches(pairs(64), 64)))
    with torch.no_grad():
        first, second = (model.outputs(batch)["blendshapes"] for _ in range(2))
    changed = ~torch.isclose(first, second, atol=1e-6).all(dim=1)
    assert 10 < changed.sum() < 54


def test_inference_does_not_know_the_ratio() -> None:
    text = torch.from_numpy(pairs(30)["text"])
    models = [model_with(FixedRatio(ratio)) for ratio in (0.0, 0.5, 1.0)]
    for training in (True, False):
        faces = [model.train(training)(text) for model in models]
        assert torch.equal(faces[0], faces[1]) and torch.equal(faces[0], faces[2])
    read = models[0].head.extractor(text)
    expected = torch.stack(
        [slow_face(models[0].head, t, v.tolist()) for t, v in zip(text, read, strict=True)]
    )
    torch.testing.assert_close(faces[0], expected)


@pytest.mark.parametrize(("ratio", "reached"), [(0.0, True), (1.0, False)])
def test_the_blendshapes_teach_the_extractor_where_they_are_made_from_it(ratio: float, reached: bool) -> None:
    model = model_with(FixedRatio(ratio))
    model.loss = EmotionXLMLoss(lambda_blendshapes=1.0, lambda_emotions=0.0)
    batch = next(iter(batches(pairs(32), 32)))
    total, _ = model.loss(model.outputs(batch), batch)
    total.backward()
    gradients = [p.grad.abs().sum().item() for p in model.head.extractor.parameters()]
    assert all((gradient > 0) == reached for gradient in gradients)


@pytest.fixture(scope="module")
def arrays() -> tuple[Arrays, Arrays]:
    """Training and held-out pairs; the dominant emotion is one of four."""
    return pairs(512, seed=0), pairs(256, seed=1)


def test_the_extractor_learns_the_emotions(arrays: tuple[Arrays, Arrays], tmp_path: Path) -> None:
    """The squares of the hidden numbers decide the emotion: a linear layer cannot tell them."""
    train, val = arrays
    seed_everything(1, verbose=False)
    model, curves = make("emotion_xlm"), Curves()
    model.head = EmotionHead(DIM, (32,), extractor_hidden=(32,))
    fit(model, batches(train, seed=1), batches(val), tmp_path, 25, loggers=[curves])
    errors = [row["train/emotions"] for row in curves.rows if "train/emotions" in row]
    assert errors[-1] < 0.4 * errors[0]
    with torch.inference_mode():
        read = model.eval().head.emotions(torch.from_numpy(val["text"])).numpy()
    right = (read.argmax(axis=1) == val["emotions"].argmax(axis=1)).mean()
    assert right > 0.7, "chance is about .25"
    mean = train["emotions"].mean(axis=0)
    assert ((read - val["emotions"]) ** 2).mean() < 0.6 * ((mean - val["emotions"]) ** 2).mean()


class Watched(FixedRatio):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(0.5)
        self.asked: list[tuple[int, int]] = []

    def ratio(self, epoch: int, max_epochs: int) -> float:
        self.asked.append((epoch, max_epochs))
        return super().ratio(epoch, max_epochs)


def test_the_ratio_is_asked_for_every_epoch(tmp_path: Path) -> None:
    few, watched = pairs(32), Watched()
    fit(model_with(watched), batches(few), batches(few), tmp_path, 3)
    assert watched.asked[1:] == [(0, 3), (1, 3), (2, 3)]


def test_a_schedule_goes_in_equal_steps() -> None:
    schedule = ScheduledRatio(start=0.9, end=0.1)
    ratios = [schedule.ratio(epoch, 5) for epoch in range(5)]
    np.testing.assert_allclose(ratios, [0.9, 0.7, 0.5, 0.3, 0.1])
    assert schedule.ratio(0, 1) == 0.9
    assert schedule.ratio(9, 5) == pytest.approx(0.1)
    with pytest.raises(ConfigError, match=r"needs trainer\.max_epochs, which is -1"):
        schedule.ratio(0, -1)


def test_a_fixed_ratio_stays() -> None:
    assert [FixedRatio(0.25).ratio(epoch, 9) for epoch in (0, 4, 8)] == [0.25] * 3


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_ratios_outside_their_range_are_refused(ratio: float) -> None:
    with pytest.raises(ConfigError, match=r"teacher_forcing\.ratio"):
        FixedRatio(ratio)
    with pytest.raises(ConfigError, match=r"teacher_forcing\.end"):
        ScheduledRatio(0.5, ratio)
