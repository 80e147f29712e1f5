"""The ensemble of conditional VAEs: its answer, and what its latent is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import DIM, batches, fit, make, pairs

from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import CVAEEnsembleHead
from emo3d_exp.metrics import diversity, energy_score
from emo3d_exp.models.cvae_ensemble import CVAEEnsemble

pytestmark = pytest.mark.usefixtures("one_thread")


def two_faced(count: int, seed: int) -> dict[str, np.ndarray]:
    """Every text may have either of two faces; nothing in the text says which."""
    arrays = pairs(count, seed=seed)
    side = np.random.default_rng(seed + 50).random(count) < 0.5
    arrays["blendshapes"] = (0.2 + 0.2 * arrays["blendshapes"]).astype(np.float32)
    arrays["blendshapes"][:, :26] += 0.4 * side[:, None]
    arrays["blendshapes"][:, 26:] += 0.4 * ~side[:, None]
    return arrays


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> CVAEEnsemble:
    torch.manual_seed(0)
    model = make("cvae_ensemble")
    fit(
        model,
        batches(two_faced(2000, 0), seed=1),
        batches(two_faced(200, 1)),
        tmp_path_factory.mktemp("run"),
        25,
    )
    return model.eval()


def test_the_latent_holds_what_the_text_leaves_open(trained: CVAEEnsemble) -> None:
    """The answer lies between the two faces; drawn faces are one or the other, about equally often."""
    test = two_faced(100, 2)
    text = torch.from_numpy(test["text"])
    with torch.inference_mode():
        answer = trained(text).numpy()
        drawn = trained.variations(text, 40, torch.Generator().manual_seed(0)).numpy()

    def lean(faces: np.ndarray) -> np.ndarray:
        return faces[..., :26].mean(axis=-1) - faces[..., 26:].mean(axis=-1)

    assert np.abs(lean(drawn)).mean() > 0.14 > 2 * np.abs(lean(answer)).mean()
    assert 0.25 < (lean(drawn) > 0).mean() < 0.75
    alone = np.repeat(answer[None], 40, axis=0)
    assert (
        energy_score(drawn, test["blendshapes"]).mean()
        < 0.9 * energy_score(alone, test["blendshapes"]).mean()
    )
    between = 0.4 * 52**0.5 / 2  # mean distance of two faces drawn from the two
    assert diversity(drawn).mean() > 0.4 * between


def test_the_answer_is_the_best_single_face(trained: CVAEEnsemble) -> None:
    test = two_faced(100, 3)
    with torch.inference_mode():
        answer = trained(torch.from_numpy(test["text"])).numpy()
    mean_face = two_faced(600, 0)["blendshapes"].mean(axis=0)
    floor = 0.2**2  # of whichever of the two faces comes
    error = np.square(answer - test["blendshapes"]).mean()
    assert error < floor + 0.6 * (np.square(mean_face - test["blendshapes"]).mean() - floor)


def test_samples_depend_on_seed_and_text_alone(trained: CVAEEnsemble) -> None:
    text = torch.randn(6, DIM)
    with torch.inference_mode():
        one, again = (trained.variations(text, 5, torch.Generator().manual_seed(3)) for _ in range(2))
        other = trained.variations(text, 5, torch.Generator().manual_seed(4))
        alone = trained.variations(text[2:3], 5, torch.Generator().manual_seed(3))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    torch.testing.assert_close(alone[:, 0], one[:, 2])


def test_the_answer_is_the_mean_of_the_members_at_latent_0(trained: CVAEEnsemble) -> None:
    text = torch.randn(3, DIM)
    scaled = text / text.norm(dim=1, keepdim=True) * DIM**0.5
    faces = []
    with torch.inference_mode():
        for member in trained.head.members:
            seen = member.read_text(scaled)
            faces.append(member.decode(seen, torch.zeros(3, trained.head.latent))[0])
        torch.testing.assert_close(trained(text), sum(faces) / len(faces))


def test_members_see_noise_of_their_own() -> None:
    torch.manual_seed(0)
    model = make("cvae_ensemble")
    model.text_noise = 0.5
    first, second = model.head.members
    second.load_state_dict(first.state_dict())
    batch = next(iter(batches(pairs(8))))
    noisy = model.outputs(batch)["answer"]
    assert not torch.allclose(noisy[0], noisy[1])
    model.text_noise = 0.0
    plain = model.outputs(batch)["answer"]
    assert torch.equal(plain[0], plain[1])


def test_a_lower_beta_gives_more_different_faces(tmp_path: Path) -> None:
    found = []
    for beta in (1e-4, 1e-1):
        torch.manual_seed(0)
        model = make("cvae_ensemble", beta=beta)
        fit(model, batches(two_faced(400, 0), seed=1), batches(two_faced(100, 1)), tmp_path / str(beta), 15)
        with torch.inference_mode():
            drawn = model.eval().variations(torch.randn(20, DIM), 8, torch.Generator().manual_seed(0))
        found.append(diversity(drawn).mean())
    assert found[0] > 2 * found[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, "head.members=0"),
        ({"latent": 0}, "head.latent=0"),
        ({"hidden": []}, r"head.hidden=\[\]"),
    ],
)
def test_settings_that_make_no_network(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CVAEEnsembleHead(DIM, **settings)
