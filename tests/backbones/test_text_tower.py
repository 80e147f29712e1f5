"""A language model as a part of a network: what it computes, what of it is trained, what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.errors import ConfigCompositionException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from tiny_language_models import save_bert, save_xlmr, saved, trainable

from emo3d_exp.backbones import OpenCLIPEncoder, TransformersEncoder, Tuning
from emo3d_exp.backbones.text_tower import TextTower
from emo3d_exp.backbones.tuned_encoder import TunedEncoder
from emo3d_exp.errors import ConfigError

TEXTS = ["the face smiles", "a face", "the face frowns with a joy the face", "joy", "the face smiles"]
ALL_ROWS = np.arange(len(TEXTS))


@pytest.fixture(scope="module", params=[save_bert, save_xlmr], ids=["bert", "xlmr"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp(request.param.__name__), request.param)


def tower_of(folder: Path, **tuning: Any) -> TextTower:
    tower = trainable(folder, **tuning).text_tower()
    assert tower is not None
    return tower


def tokens(folder: Path) -> dict[str, torch.Tensor]:
    return trainable(folder).token_rows(TEXTS).batch(ALL_ROWS)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("tuning", [{}, {"last_layers": 1}, {"lora_rank": 2}], ids=["all", "last", "lora"])
def test_a_tower_starts_as_the_frozen_encoder(
    folder: Path, pooling: str, normalize: bool, tuning: dict[str, int]
) -> None:
    frozen = TransformersEncoder("tiny", str(folder), pooling, normalize, 24, device="cpu")
    encoder = TransformersEncoder(
        "tiny", str(folder), pooling, normalize, 24, device="cpu", trainable=True, tuning=Tuning(**tuning)
    )
    tower = encoder.text_tower()
    assert tower is not None
    with torch.inference_mode():
        embeddings = tower.eval()(encoder.token_rows(TEXTS).batch(ALL_ROWS)).numpy()
    np.testing.assert_allclose(embeddings, frozen.encode_texts(TEXTS), atol=1e-5)
    assert encoder.fingerprint == frozen.fingerprint, "caches and provenance know the start"
    assert frozen.text_tower() is None


def expected(names: list[str], tuning: dict[str, Any]) -> set[str]:
    """Which parameters should be trained, by their names."""
    if "lora_rank" in tuning:
        return {n for n in names if ".lora_A." in n or ".lora_B." in n}
    if "last_layers" in tuning:
        first = 2 - tuning["last_layers"]
        return {n for n in names if any(f".layer.{number}." in n for number in range(first, 2))}
    return set(names)


@pytest.mark.parametrize(
    "tuning",
    [
        {},
        {"last_layers": 1},
        {"last_layers": 2},
        {"lora_rank": 2},
        {"lora_rank": 3, "lora_targets": ["dense"]},
    ],
    ids=str,
)
def test_what_should_be_trained_moves_and_nothing_else(folder: Path, tuning: dict[str, Any]) -> None:
    torch.manual_seed(0)
    tower = tower_of(folder, **tuning)
    names = [name for name, _ in tower.named_parameters()]
    assert not any("pooler" in name for name in names), "nothing reads it"
    assert tower.trained == expected(names, tuning) != set()
    before = {name: parameter.detach().clone() for name, parameter in tower.named_parameters()}
    # No decay: a row of an embedding that no text uses would move by it alone.
    optimizer = torch.optim.Adam(tower.parameters(), lr=0.1)
    for _ in range(2):  # at first LoRA's B is zero, so that A has no gradient
        optimizer.zero_grad()
        (tower(tokens(folder)) * torch.arange(16)).square().sum().backward()
        optimizer.step()
    moved = {name for name, p in tower.named_parameters() if not torch.equal(p, before[name])}
    unread = {n for n in tower.trained if n.endswith("key.bias")}  # softmax does not see them
    assert moved - unread == tower.trained - unread
    if "lora_rank" in tuning:
        linear = len([n for n in names if ".lora_A." in n])
        assert linear == (4 if "lora_targets" not in tuning else 6), "of two layers"


@pytest.mark.parametrize("tuning", [{}, {"last_layers": 1}, {"lora_rank": 2}], ids=["all", "last", "lora"])
def test_state_is_what_was_trained_and_loads_strictly(folder: Path, tuning: dict[str, int]) -> None:
    first = torch.nn.ModuleDict({"tower": tower_of(folder, **tuning)})
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(parameter.requires_grad * torch.randn_like(parameter))
    state = first.state_dict()
    assert state.keys() == {f"tower.{name}" for name in first["tower"].trained}
    second = torch.nn.ModuleDict({"tower": tower_of(folder, **tuning)})
    second.load_state_dict(state)
    for (name, one), (_, other) in zip(first.named_parameters(), second.named_parameters(), strict=True):
        assert torch.equal(one, other), name
    some = sorted(state)[0]
    with pytest.raises(RuntimeError, match="Missing key"):
        second.load_state_dict({key: state[key] for key in state if key != some})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        second.load_state_dict({**state, "tower.module.other": state[some]})
    for name, parameter in second.named_parameters():
        if not parameter.requires_grad:
            with pytest.raises(RuntimeError, match="Unexpected key"):
                second.load_state_dict({**state, name: parameter})
            break


def test_dropout_is_active_in_training_alone(folder: Path) -> None:
    tower, batch = tower_of(folder), tokens(folder)
    assert not torch.equal(tower(batch), tower(batch))
    tower.eval()
    assert torch.equal(tower(batch), tower(batch))


@pytest.mark.parametrize("tuning", [{}, {"last_layers": 1}, {"lora_rank": 2}], ids=["all", "last", "lora"])
def test_checkpointed_gradients_are_the_same(folder: Path, tuning: dict[str, int]) -> None:
    gradients = []
    for how in ({}, {"gradient_checkpointing": True}):
        torch.manual_seed(0)
        tower = tower_of(folder, **tuning, **how)
        tower(tokens(folder)).square().mean().backward()
        gradients.append({n: p.grad for n, p in tower.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() != set()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)
    assert any(gradient.abs().max() > 0 for gradient in gradients[0].values())
    assert not tower.module.embeddings(tokens(folder)["input_ids"]).requires_grad or not tuning


def test_a_tuned_encoder_has_a_fingerprint_of_its_own(folder: Path) -> None:
    encoder, tower = trainable(folder), tower_of(folder)
    untouched = TunedEncoder(encoder, tower_of(folder))
    np.testing.assert_allclose(untouched.encode_texts(TEXTS), encoder.encode_texts(TEXTS), atol=1e-5)
    with torch.no_grad():
        for parameter in tower.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    tuned = TunedEncoder(encoder, tower)
    assert len({encoder.fingerprint, untouched.fingerprint, tuned.fingerprint}) == 3
    assert tuned.fingerprint.startswith(f"{encoder.fingerprint}-tuned-")
    assert np.abs(tuned.encode_texts(TEXTS) - encoder.encode_texts(TEXTS)).max() > 1e-3
    assert tuned.encode_texts([]).shape == (0, 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"last_layers": 1, "lora_rank": 4}, "exclude each other"),
        ({"last_layers": 0}, r"last_layers=0 must be at least 1"),
        ({"lora_rank": -1}, r"lora_rank=-1 must be at least 1"),
        ({"lr": -1.0}, r"lr=-1.0 must not be below 0"),
        ({"warmup": 1.0}, r"warmup=1.0 must be in \[0, 1\)"),
        ({"schedule": "cosin"}, "one of linear, cosine, constant"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Tuning(**settings)


def test_what_a_model_cannot_do_is_told(folder: Path) -> None:
    with pytest.raises(ConfigError, match="the model has 2 layers"):
        tower_of(folder, last_layers=3)
    with pytest.raises(ConfigError, match=r"lora_targets: no LoRA for .*Model.*\[query,value\]"):
        tower_of(folder, lora_rank=2, lora_targets=["nothing_of_that_name"])
    with pytest.raises(ConfigError, match=r"no effect without backbone\.trainable=true"):
        TransformersEncoder("tiny", str(folder), tuning=Tuning(lora_rank=2))
    with pytest.raises(ConfigError, match="CLIP model, which stays frozen"):
        OpenCLIPEncoder("clip", None, "somewhere", trainable=True)


CONF = Path(__file__).parents[2] / "conf"
LANGUAGE_MODELS = ("bert_base", "glot500", "hf", "minilm", "xlmr_base")


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_config_files_have_the_defaults_of_the_code(name: str) -> None:
    config = OmegaConf.load(CONF / "backbone" / f"{name}.yaml")
    assert config.trainable is False
    assert instantiate(config.tuning) == Tuning()


def test_a_misspelt_key_stops_the_run() -> None:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        good = ["model=lm_mlp", "backbone.trainable=true", "backbone.tuning.lora_rank=4"]
        assert compose("train", good).backbone.tuning.lora_rank == 4
        with pytest.raises(ConfigCompositionException, match=r"tuning\.lorarank"):
            compose("train", [*good, "backbone.tuning.lorarank=4"])
