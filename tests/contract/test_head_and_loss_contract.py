"""What every head and every loss keeps to."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp import heads, losses
from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import CVAEEnsembleHead, EmotionHead, MLPHead, NearestHead, RidgeHead, VAEHead
from emo3d_exp.losses import (
    BlendshapeLoss,
    ContrastiveLoss,
    CVAELoss,
    EmotionXLMLoss,
    VAECLIPLoss,
    WeightedLoss,
)
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS

WIDTH, ROWS = 12, 9

HEADS = {
    CVAEEnsembleHead: [{}, {"members": 1, "hidden": (6,), "encoder_hidden": (), "latent": 2, "dropout": 0.0}],
    EmotionHead: [{}, {"hidden": (), "extractor_hidden": (6,)}, {"dropout": 0.5}],
    MLPHead: [{}, {"hidden": ()}, {"hidden": [8, 4], "dropout": 0.5}, {"neutral": False}],
    NearestHead: [{}, {"k": 3}],
    RidgeHead: [{}, {"alphas": (0.1, 10.0)}],
    VAEHead: [
        {},
        {"encoder_hidden": (), "decoder_hidden": ()},
        {"dropout": 0.5, "normalize_latent": False},
        {"neutral": False},
    ],
}
LOSSES = {
    BlendshapeLoss: lambda: BlendshapeLoss(),
    CVAELoss: lambda: CVAELoss(lambda_reconstruction=0.5, lambda_emotions=2.0, beta=0.01),
    ContrastiveLoss: lambda: ContrastiveLoss(like_share=0.2),
    EmotionXLMLoss: lambda: EmotionXLMLoss(lambda_blendshapes=2.0, lambda_emotions=0.5),
    VAECLIPLoss: lambda: VAECLIPLoss(lambda_text=0.5, lambda_image=0.1, beta=0.01, lambda_decoder=0.3),
}
HEAD_CASES = [
    pytest.param(cls, settings, id=f"{cls.__name__}-{i}")
    for cls, all_ in HEADS.items()
    for i, settings in enumerate(all_)
]


def exported(package: object, base: type) -> set[type]:
    classes = {c for name in package.__all__ if inspect.isclass(c := getattr(package, name))}  # type: ignore[attr-defined]
    return {c for c in classes if issubclass(c, base) and not inspect.isabstract(c)}


def test_every_head_has_a_case() -> None:
    assert exported(heads, nn.Module) == set(HEADS)


def test_every_loss_has_a_case() -> None:
    assert exported(losses, WeightedLoss) == set(LOSSES)
    assert {c for c in WeightedLoss.__subclasses__() if c.__module__.startswith("emo3d_exp")} == set(LOSSES)


def answer(head: nn.Module, embedding: Tensor) -> Tensor:
    return head.decode(embedding) if isinstance(head, VAEHead) else head(embedding)


def made(cls: type, settings: dict[str, object], faces: int = 52) -> nn.Module:
    """A head that has seen what it must see before it can answer."""
    head = cls(WIDTH, out_features=faces, **settings)
    if hasattr(head, "fit"):
        known = torch.randn(20, WIDTH), torch.rand(20, faces)
        head.fit(*known, *known)
    return head


@pytest.mark.parametrize(("cls", "settings"), HEAD_CASES)
def test_head_answers_with_52_scores(cls: type, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    head = made(cls, settings).eval()
    embedding = 5 * torch.randn(ROWS, WIDTH)
    faces = answer(head, embedding)
    assert faces.shape == (ROWS, 52)
    assert ((faces >= 0) & (faces <= 1)).all()
    assert torch.equal(faces, answer(head, embedding))
    assert answer(made(cls, settings, faces=51), embedding).shape == (ROWS, 51)


@pytest.mark.parametrize(("cls", "settings"), HEAD_CASES)
def test_dropout_works_in_training_alone(cls: type, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    head = made(cls, settings).train()
    embedding = torch.randn(ROWS, WIDTH)
    same = torch.equal(answer(head, embedding), answer(head, embedding))
    assert same == (settings.get("dropout", 0.0) == 0.0)


def test_released_widths_are_the_default() -> None:
    shapes = [tuple(p.shape) for n, p in MLPHead(512).named_parameters() if n.endswith("weight")]
    assert shapes == [(256, 512), (128, 256), (52, 128)]
    shapes = {n: tuple(p.shape) for n, p in VAEHead(512).named_parameters() if n.endswith("weight")}
    assert list(shapes.values()) == [(256, 52), (512, 256), (512, 256), (256, 512), (52, 256)]


def test_mlp_is_relu_layers_and_a_sigmoid() -> None:
    torch.manual_seed(0)
    head = MLPHead(WIDTH, (5, 4))
    weights = [p.detach() for p in head.parameters()]
    rows = torch.randn(ROWS, WIDTH)
    expected = rows
    for layer in range(3):
        expected = expected @ weights[2 * layer].T + weights[2 * layer + 1]
        expected = expected.clamp(min=0) if layer < 2 else 1 / (1 + (-expected).exp())
    torch.testing.assert_close(head(rows), expected)


@pytest.mark.parametrize("cls", [MLPHead, VAEHead])
def test_without_neutral_the_51_shapes_keep_their_names(cls: type) -> None:
    torch.manual_seed(0)
    head = cls(WIDTH, neutral=False).eval()
    embedding = torch.randn(ROWS, WIDTH)
    network = head.network if cls is MLPHead else head.decoder.network
    shapes = network(embedding if cls is MLPHead else functional.normalize(embedding, dim=-1) * WIDTH**0.5)
    faces = answer(head, embedding)
    for row, name in enumerate(MORPH_TARGETS):
        assert torch.equal(faces[:, BLENDSHAPE_INDEX[name]], shapes[:, row])
    assert (faces[:, BLENDSHAPE_INDEX["_neutral"]] == 0).all()


def test_without_neutral_the_encoder_does_not_see_it() -> None:
    torch.manual_seed(0)
    head, faces = VAEHead(WIDTH, neutral=False).eval(), torch.rand(ROWS, 52)
    other = faces.clone()
    other[:, BLENDSHAPE_INDEX["_neutral"]] += 0.5
    assert torch.equal(head.encode(faces).mu, head.encode(other).mu)
    shapes = torch.stack([faces[:, BLENDSHAPE_INDEX[name]] for name in MORPH_TARGETS], dim=1)
    torch.testing.assert_close(head.encode(faces).mu, head.mu(head.encoder(shapes)))


def test_latent_is_drawn_in_training_and_the_mean_otherwise() -> None:
    torch.manual_seed(0)
    head = VAEHead(WIDTH)
    face = torch.rand(1, 52).expand(20_000, 52)
    latent = head.train().encode(face)
    spread = latent.z.std(dim=0)
    torch.testing.assert_close(spread, (0.5 * latent.logvar[0]).exp(), rtol=0.05, atol=0)
    torch.testing.assert_close(latent.z.mean(dim=0), latent.mu[0], rtol=0, atol=0.05)
    calm = head.eval().encode(face[:3])
    assert torch.equal(calm.z, calm.mu)


def test_decoded_embeddings_have_one_length() -> None:
    torch.manual_seed(0)
    rows = torch.randn(ROWS, WIDTH)
    normal = VAEHead(WIDTH, normalize_latent=True).eval()
    torch.testing.assert_close(normal.decode(rows), normal.decode(0.01 * rows))
    unit = rows / rows.norm(dim=1, keepdim=True)
    torch.testing.assert_close(normal.decode(rows), normal.decoder(unit * WIDTH**0.5))
    plain = VAEHead(WIDTH, normalize_latent=False).eval()
    torch.testing.assert_close(plain.decode(rows), plain.decoder(rows))
    assert not torch.allclose(plain.decode(rows), plain.decode(0.01 * rows))


def inputs() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    vectors = {
        n: torch.randn(ROWS, WIDTH, requires_grad=True) for n in ("z", "mu", "logvar", "image", "text")
    }
    faces = torch.rand(ROWS, 52, requires_grad=True)
    outputs = {**vectors, "blendshapes": faces, "target": torch.rand(ROWS, 52), "scale": torch.tensor(3.0)}
    outputs |= {
        name: torch.rand(ROWS, 52, requires_grad=True) for name in ("from_text", "answer", "reconstruction")
    }
    outputs["emotions"] = torch.rand(ROWS, 8, requires_grad=True)
    outputs |= {f"read_from_{n}": torch.rand(ROWS, 60, requires_grad=True) for n in ("image", "text")}
    batch = {"text": torch.randn(ROWS, WIDTH), "image": torch.randn(ROWS, WIDTH)}
    return outputs, {**batch, "blendshapes": torch.rand(ROWS, 52), "emotions": torch.rand(ROWS, 8)}


@pytest.mark.parametrize("cls", LOSSES)
def test_loss_is_the_weighted_sum_of_scalar_terms(cls: type) -> None:
    loss = LOSSES[cls]()
    outputs, batch = inputs()
    total, terms = loss(outputs, batch)
    assert all(term.shape == () and term.isfinite() for term in terms.values())
    assert total.item() == pytest.approx(sum(loss.weights[n] * t.item() for n, t in terms.items()), rel=1e-5)
    total.backward()
    assert any(
        value.grad is not None and value.grad.abs().sum() > 0
        for value in outputs.values()
        if value.requires_grad
    )


@pytest.mark.parametrize("cls", LOSSES)
def test_loss_does_not_depend_on_the_order_of_rows(cls: type) -> None:
    loss = LOSSES[cls]()
    outputs, batch = inputs()
    order = torch.randperm(ROWS)
    turned = [{n: v[order] if v.dim() else v for n, v in given.items()} for given in (outputs, batch)]
    torch.testing.assert_close(loss(*turned)[0], loss(outputs, batch)[0])


@pytest.mark.parametrize("cls", LOSSES)
def test_a_weight_without_its_term_is_refused(cls: type) -> None:
    loss = LOSSES[cls]()
    loss.weights["surplus"] = 1.0
    with pytest.raises(ConfigError, match="surplus"):
        loss(*inputs())
