"""Every term of every loss against a loop that computes it number by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from emo3d_exp.errors import ConfigError
from emo3d_exp.losses import (
    BlendshapeLoss,
    ContrastiveLoss,
    CVAELoss,
    EmotionXLMLoss,
    VAECLIPLoss,
    WeightedLoss,
    contrastive_loss,
    cosine_distance,
    soft_targets,
)

ROWS, WIDTH = 7, 5


def slow_cosine(first: Sequence[float], second: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    return dot / math.sqrt(sum(a * a for a in first)) / math.sqrt(sum(b * b for b in second))


def slow_softmax(values: Sequence[float]) -> list[float]:
    exponentials = [math.exp(value - max(values)) for value in values]
    return [value / sum(exponentials) for value in exponentials]


def slow_mse(first: Tensor, second: Tensor) -> float:
    squares = [
        (a - b) ** 2
        for x, y in zip(first.tolist(), second.tolist(), strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    return sum(squares) / len(squares)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def case(rng: torch.Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Outputs and a batch of VAE-CLIP, in double precision."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    outputs = {"z": normal(ROWS, WIDTH), "mu": normal(ROWS, WIDTH), "logvar": normal(ROWS, WIDTH)}
    outputs["blendshapes"] = normal(ROWS, 52).sigmoid()
    batch = {
        "text": normal(ROWS, WIDTH),
        "image": normal(ROWS, WIDTH),
        "blendshapes": normal(ROWS, 52).sigmoid(),
    }
    return outputs, batch


def test_cosine_distance_is_per_pair(rng: torch.Generator) -> None:
    first, second = torch.randn(2, ROWS, WIDTH, generator=rng)
    expected = [1 - slow_cosine(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    torch.testing.assert_close(cosine_distance(first, second), torch.tensor(expected))


@pytest.mark.parametrize("shape", [(ROWS, 1, WIDTH), (1, WIDTH), (WIDTH,), (ROWS, WIDTH + 1)])
def test_cosine_distance_refuses_to_broadcast(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two"):
        cosine_distance(torch.ones(shape), torch.ones(ROWS, WIDTH))


def test_cosine_distance_refuses_two_stacks() -> None:
    stack = torch.ones(ROWS, 1, WIDTH)
    with pytest.raises(ValueError, match="two"):
        cosine_distance(stack, stack)


def test_vae_clip_terms(case: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    outputs, batch = case
    total, terms = VAECLIPLoss(lambda_text=0.3, lambda_image=0.7, beta=0.11)(outputs, batch)
    z = outputs["z"].tolist()
    text = sum(1 - slow_cosine(a, b) for a, b in zip(batch["text"].tolist(), z, strict=True)) / ROWS
    image = sum(1 - slow_cosine(a, b) for a, b in zip(batch["image"].tolist(), z, strict=True)) / ROWS
    reconstruction = slow_mse(outputs["blendshapes"], batch["blendshapes"])
    prior = slow_prior(outputs["mu"], outputs["logvar"])
    expected = {"reconstruction": reconstruction, "text": text, "image": image, "prior": prior}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-9)
    weighted = reconstruction + 0.3 * text + 0.7 * image + 0.11 * prior
    assert total.item() == pytest.approx(weighted, rel=1e-9)


@pytest.mark.parametrize("weight", [0.2, 3.0])
def test_vae_clip_decoder_term(case: tuple[dict[str, Tensor], dict[str, Tensor]], weight: float) -> None:
    outputs, batch = case
    outputs["from_text"] = outputs["blendshapes"].flip(0)
    without, _ = VAECLIPLoss(0.3, 0.7, 0.11)(outputs, batch)
    total, terms = VAECLIPLoss(0.3, 0.7, 0.11, lambda_decoder=weight)(outputs, batch)
    expected = slow_mse(outputs["from_text"], batch["blendshapes"])
    assert terms["decoder"].item() == pytest.approx(expected, rel=1e-9)
    assert terms["decoder"].item() != pytest.approx(terms["reconstruction"].item(), rel=1e-3)
    assert (total - without).item() == pytest.approx(weight * expected, rel=1e-9)


def slow_prior(mu: Tensor, logvar: Tensor) -> float:
    """KL(N(mu, exp(logvar)) ‖ N(0, 1)) of one dimension, averaged over all."""
    divergences = [
        math.log(1 / math.sqrt(math.exp(v))) + (math.exp(v) + m**2) / 2 - 0.5
        for m, v in zip(mu.flatten().tolist(), logvar.flatten().tolist(), strict=True)
    ]
    return sum(divergences) / len(divergences)


def test_prior_is_torchs_divergence(case: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    outputs, batch = case
    _, terms = VAECLIPLoss(0.0, 0.0, 1.0)(outputs, batch)
    own = torch.distributions.Normal(outputs["mu"], (0.5 * outputs["logvar"]).exp())
    standard = torch.distributions.Normal(torch.zeros_like(own.loc), torch.ones_like(own.scale))
    assert terms["prior"].item() == pytest.approx(
        torch.distributions.kl_divergence(own, standard).mean().item()
    )


def test_only_faces_with_a_picture_count(case: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    outputs, batch = case
    present = torch.tensor([True, False, True, True, False, False, True])
    image = torch.where(present[:, None], batch["image"], 0.0)
    _, terms = VAECLIPLoss(0.3, 0.7)(outputs, {**batch, "image": image, "has_image": present})
    rows = present.nonzero().flatten().tolist()
    distances = [1 - slow_cosine(batch["image"][i].tolist(), outputs["z"][i].tolist()) for i in rows]
    assert terms["image"].item() == pytest.approx(sum(distances) / len(rows), rel=1e-9)


def test_a_batch_without_pictures_has_no_image_term(
    case: tuple[dict[str, Tensor], dict[str, Tensor]],
) -> None:
    outputs, batch = case
    outputs["z"].requires_grad_()
    nothing = {
        **batch,
        "image": torch.zeros_like(batch["image"]),
        "has_image": torch.zeros(ROWS, dtype=torch.bool),
    }
    total, terms = VAECLIPLoss(0.0, 1.0)(outputs, nothing)
    total.backward()
    assert terms["image"].item() == 0
    assert outputs["z"].grad is not None
    assert outputs["z"].grad.isfinite().all()


def test_pairing_matters(case: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    outputs, batch = case
    loss = VAECLIPLoss(1.0, 1.0)
    own = {**batch, "text": outputs["z"], "image": outputs["z"]}
    others = {**batch, "text": outputs["z"].roll(1, 0), "image": outputs["z"].roll(1, 0)}
    assert loss(outputs, own)[1]["text"].item() == pytest.approx(0, abs=1e-9)
    assert loss(outputs, own)[1]["image"].item() == pytest.approx(0, abs=1e-9)
    assert loss(outputs, others)[1]["text"].item() > 0.3


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
def test_soft_targets(rng: torch.Generator, share: float) -> None:
    emotions = torch.rand(ROWS, 8, generator=rng)
    targets = soft_targets(emotions, share, temperature=0.3)
    rows = emotions.tolist()
    for i in range(ROWS):
        alike = slow_softmax([slow_cosine(rows[i], rows[j]) / 0.3 for j in range(ROWS)])
        expected = [(1 - share) * (i == j) + share * alike[j] for j in range(ROWS)]
        assert targets[i].tolist() == pytest.approx(expected, abs=1e-6)


def test_equal_emotions_share_the_target(rng: torch.Generator) -> None:
    emotions = torch.eye(8)[torch.tensor([1, 1, 4])]
    targets = soft_targets(emotions, share=0.4)
    assert targets[0].tolist() == pytest.approx([0.8, 0.2, 0.0], abs=1e-6)
    assert targets[2].tolist() == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)


def slow_contrastive(image: Tensor, text: Tensor, scale: float, targets: Tensor) -> float:
    images, texts, wanted = image.tolist(), text.tolist(), targets.tolist()
    total = 0.0
    for i in range(len(images)):
        to_texts = slow_softmax([scale * slow_cosine(images[i], t) for t in texts])
        to_images = slow_softmax([scale * slow_cosine(texts[i], m) for m in images])
        total -= sum(w * math.log(p) for w, p in zip(wanted[i], to_texts, strict=True)) / 2
        total -= sum(w * math.log(p) for w, p in zip(wanted[i], to_images, strict=True)) / 2
    return total / len(images)


def test_contrastive_loss(rng: torch.Generator) -> None:
    image, text = torch.randn(2, ROWS, WIDTH, generator=rng, dtype=torch.float64)
    targets = torch.rand(ROWS, ROWS, generator=rng, dtype=torch.float64).softmax(dim=1)
    value = contrastive_loss(image, 3 * text, torch.tensor(7.0, dtype=torch.float64), targets)
    assert value.item() == pytest.approx(slow_contrastive(image, text, 7.0, targets), rel=1e-9)


def test_contrastive_loss_of_face_clip(rng: torch.Generator) -> None:
    image, text = torch.randn(2, ROWS, WIDTH, generator=rng)
    emotions = torch.rand(ROWS, 8, generator=rng)
    faces, from_image, from_text = (torch.rand(ROWS, n, generator=rng) for n in (52, 60, 60))
    outputs = {"image": image, "text": text, "scale": torch.tensor(5.0)}
    outputs |= {"read_from_image": from_image, "read_from_text": from_text}
    batch = {"emotions": emotions, "blendshapes": faces}
    total, terms = ContrastiveLoss(0.3, lambda_image=2.0, lambda_text=5.0)(outputs, batch)
    errors = [0.0, 0.0]
    for number, read in enumerate((from_image, from_text)):
        for row in range(ROWS):
            told = [*emotions[row].tolist(), *faces[row].tolist()]
            errors[number] += sum((a - b) ** 2 for a, b in zip(read[row].tolist(), told, strict=True))
        errors[number] /= ROWS * 60
    contrast = slow_contrastive(image, text, 5.0, soft_targets(emotions, 0.3))
    assert terms.keys() == {"contrastive", "image", "text"}
    assert total.item() == pytest.approx(contrast + 2 * errors[0] + 5 * errors[1], rel=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.0, 3.0])
def test_like_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="like_share"):
        ContrastiveLoss(like_share=share)


def test_blendshape_loss(rng: torch.Generator) -> None:
    predicted, target = torch.rand(2, ROWS, 52, generator=rng, dtype=torch.float64)
    total, terms = BlendshapeLoss()({"blendshapes": predicted, "target": target}, {})
    assert total.item() == terms["blendshapes"].item() == pytest.approx(slow_mse(predicted, target), rel=1e-9)


def test_emotion_xlm_loss(rng: torch.Generator) -> None:
    faces, true_faces = torch.rand(2, ROWS, 52, generator=rng, dtype=torch.float64)
    emotions, true_emotions = torch.rand(2, ROWS, 8, generator=rng, dtype=torch.float64)
    total, terms = EmotionXLMLoss(lambda_blendshapes=0.7, lambda_emotions=3.0)(
        {"blendshapes": faces, "emotions": emotions}, {"blendshapes": true_faces, "emotions": true_emotions}
    )
    expected = {"blendshapes": slow_mse(faces, true_faces), "emotions": slow_mse(emotions, true_emotions)}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-9)
    weighted = 0.7 * expected["blendshapes"] + 3.0 * expected["emotions"]
    assert total.item() == pytest.approx(weighted, rel=1e-9)


class TwoTerms(WeightedLoss):
    """Terms ``a`` (2) and ``b`` (3)."""

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}


def test_weighted_sum() -> None:
    total, terms = TwoTerms({"a": 0.5, "b": 10})({}, {})
    assert total.item() == 31.0
    assert {name: term.item() for name, term in terms.items()} == {"a": 2.0, "b": 3.0}


@pytest.mark.parametrize("weights", [{"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "c": 1.0}])
def test_terms_and_weights_that_differ_are_both_listed(weights: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as caught:
        TwoTerms(weights)({}, {})
    assert str(["a", "b"]) in str(caught.value)
    assert str(sorted(weights)) in str(caught.value)


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_weights_below_zero_are_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="image"):
        VAECLIPLoss(lambda_text=0.1, lambda_image=weight)


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_a_decoder_weight_below_zero_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="decoder"):
        VAECLIPLoss(lambda_text=0.1, lambda_image=0.1, lambda_decoder=weight)


def test_weight_zero_switches_a_term_off(case: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    outputs, batch = case
    total, terms = VAECLIPLoss(0.0, 0.0)(outputs, batch)
    assert total.item() == pytest.approx(terms["reconstruction"].item())
    assert terms["text"].item() > 0


def test_cvae_loss_sums_its_four_terms_over_members_and_samples() -> None:
    rng = np.random.default_rng(8)
    answer, reconstruction = (rng.random((2, 3, 52)) for _ in range(2))
    read, mu, logvar = rng.random((2, 3, 8)), rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    faces, emotions = rng.random((3, 52)), rng.random((3, 8))
    outputs = {"answer": answer, "reconstruction": reconstruction, "emotions": read}
    outputs |= {"mu": mu, "logvar": logvar}
    loss = CVAELoss(lambda_reconstruction=0.5, lambda_emotions=2.0, beta=0.01)
    total, terms = loss(
        {name: torch.from_numpy(values) for name, values in outputs.items()},
        {"blendshapes": torch.from_numpy(faces), "emotions": torch.from_numpy(emotions)},
    )
    expected = 0.0
    for member in range(2):
        for sample in range(3):
            own = (member, sample)
            expected += sum((answer[own] - faces[sample]) ** 2) / 52
            expected += 0.5 * sum((reconstruction[own] - faces[sample]) ** 2) / 52
            expected += 2.0 * sum((read[own] - emotions[sample]) ** 2) / 8
            for m, v in zip(mu[own], logvar[own], strict=True):
                expected += 0.01 * 0.5 * (m**2 + math.exp(v) - 1 - v)
    assert total.item() == pytest.approx(expected / 6, rel=1e-10)
    assert set(terms) == {"answer", "reconstruction", "emotions", "prior"}
