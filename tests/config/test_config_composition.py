"""Every choice of every script composes, and the ones that cannot work are refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf"
PRIMARIES = ("train", "evaluate", "build_data", "export", "studio")


def groups_of(primary: str) -> set[str]:
    entries = OmegaConf.load(CONF / f"{primary}.yaml").defaults
    keys = {str(key) for entry in entries if isinstance(entry, DictConfig) for key in entry}
    return {key for key in keys if not key.startswith("override ")}


ALONE = {"model", "experiment"}
"""Groups whose options set other groups' keys too."""


def rounds_of(primary: str) -> list[list[str]]:
    """Overrides that together name every option of every group once; of a group one at a time."""
    options = {
        group: [
            f"{group}={file.relative_to(CONF / group).with_suffix('').as_posix()}"
            for file in sorted((CONF / group).glob("**/*.yaml"))
        ]
        for group in sorted(groups_of(primary))
    }
    alone = [[option] for group in ALONE & options.keys() for option in options.pop(group)]
    together = zip_longest(*options.values())
    return sorted(alone) + [[option for option in given if option is not None] for given in together]


ROUNDS = [(primary, given) for primary in PRIMARIES for given in rounds_of(primary)]


@pytest.fixture(autouse=True, scope="module")
def hydra() -> Iterator[None]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


def resolved(primary: str, *overrides: str) -> dict[str, Any]:
    values = OmegaConf.to_container(compose(primary, list(overrides)), resolve=True)
    assert isinstance(values, dict)
    return values


def at(values: dict[str, Any], group: str) -> dict[str, Any]:
    """What a group gave; ``builder/texts`` stands in ``builder``, under ``texts``."""
    for name in group.split("/"):
        values = values[name]
    return values


@pytest.mark.parametrize("primary", PRIMARIES)
def test_defaults_compose(primary: str) -> None:
    values = resolved(primary)
    for group in groups_of(primary) - {"experiment", "sweep", "checkpoint", "meta"}:
        assert at(values, group), group
    assert "hydra" not in values


@pytest.mark.parametrize(
    ("primary", "choices"), ROUNDS, ids=lambda given: given if isinstance(given, str) else "+".join(given)
)
def test_every_choice_composes(primary: str, choices: list[str]) -> None:
    values = resolved(primary, *choices)
    for choice in choices:
        group, name = choice.split("=")
        written = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"))
        assert isinstance(written, dict)
        if group == "experiment":
            assert {k: values[k] for k in ("seed", "batch_size")} == {
                k: written[k] for k in ("seed", "batch_size")
            }
            continue
        written.pop("defaults", None)
        if group in written:  # a file that sets other groups' keys too
            assert values["optimizer"]["lr"] == written["optimizer"]["lr"]
            written = written[group]
        assert {key: at(values, group)[key] for key in written} == written, choice


@pytest.mark.parametrize("name", [file.stem for file in (CONF / "backbone").glob("*.yaml")])
def test_every_backbone_may_judge(name: str) -> None:
    judge = resolved("evaluate", f"backbone@metric.judge={name}")["metric"]["judge"]
    assert judge["name"] == name


@pytest.mark.parametrize(
    ("model", "backbone", "head", "loss"),
    [
        ("vae_clip", "face_clip", "VAEHead", "VAECLIPLoss"),
        ("clip_mlp", "face_clip", "MLPHead", "BlendshapeLoss"),
        ("lm_mlp", "minilm", "MLPHead", "BlendshapeLoss"),
        ("emotion_xlm", "minilm", "EmotionHead", "EmotionXLMLoss"),
        ("face_clip", "minilm", "build_face_clip", "ContrastiveLoss"),
    ],
)
def test_a_model_picks_backbone_head_and_loss(model: str, backbone: str, head: str, loss: str) -> None:
    values = resolved("train", f"model={model}")
    assert values["backbone"]["name"] == backbone
    assert values["head"]["_target_"].endswith(f".{head}")
    assert values["loss"]["_target_"].endswith(f".{loss}")
    assert values["name"] == f"{model}_seed1"


@pytest.mark.parametrize(("model", "head"), [("ridge", "RidgeHead"), ("nearest", "NearestHead")])
def test_what_takes_no_steps_has_no_loss_and_no_optimizer(model: str, head: str) -> None:
    values = resolved("train", f"model={model}")
    assert values["backbone"]["name"] == "minilm"
    assert values["head"]["_target_"].endswith(f".{head}")
    assert not {"loss", "optimizer"} & values.keys()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], {"ratio": 0.5}),
        (["teacher_forcing=none"], {"ratio": 0.0}),
        (["teacher_forcing=full"], {"ratio": 1.0}),
        (["teacher_forcing.ratio=0.25"], {"ratio": 0.25}),
        (["teacher_forcing=scheduled", "teacher_forcing.end=0.2"], {"start": 1.0, "end": 0.2}),
    ],
)
def test_emotion_xlm_brings_teacher_forcing(overrides: list[str], expected: dict[str, float]) -> None:
    values = resolved("train", "model=emotion_xlm", *overrides)["teacher_forcing"]
    assert {key: value for key, value in values.items() if key != "_target_"} == expected


def test_the_command_line_overrules_the_model() -> None:
    values = resolved(
        "train", "model=clip_mlp", "backbone=clip_vit_b32", "head.hidden=[64]", "optimizer=adamw"
    )
    assert values["backbone"]["name"] == "clip_vit_b32"
    assert values["head"]["hidden"] == [64]
    assert values["optimizer"]["_target_"] == "torch.optim.AdamW"


def test_the_experiment_overrules_the_defaults_and_the_command_line_the_experiment() -> None:
    values = resolved("train", "experiment=face_clip", "seed=5", "optimizer.lr=0.5")
    assert (values["model"]["name"], values["seed"], values["optimizer"]["lr"]) == ("face_clip", 5, 0.5)
    assert values["patience"] is None
    assert values["backbone"]["normalize"] is False


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=clip_mlp", "loss.lambda_text=0.5"],
        ["model=ridge", "optimizer.lr=0.1"],
        ["model=clip_mlp", "teacher_forcing.ratio=0.25"],
        ["model=clip_mlp", "teacher_forcing=none"],
        ["model=emotion_xlm", "teacher_forcing.end=0.2"],
        ["loss.lamda_text=0.5"],
        ["trainer.max_epoch=3"],
        ["sed=1"],
        ["model.dropout=0.1"],
    ],
)
def test_keys_without_code_are_refused(overrides: list[str]) -> None:
    with pytest.raises(ConfigCompositionException):
        compose("train", overrides)


@pytest.mark.parametrize("overrides", [["model=vae_klip"], ["backbone=bert"], ["experiment=none_such"]])
def test_unknown_options_are_refused_with_the_known_ones(overrides: list[str]) -> None:
    with pytest.raises(MissingConfigException) as caught:
        compose("train", overrides)
    group = overrides[0].split("=")[0]
    for file in (CONF / group).glob("*.yaml"):
        assert file.stem in str(caught.value)


@pytest.mark.parametrize(
    "file", sorted(CONF.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_keys_are_words(file: Path) -> None:
    """YAML reads a bare on, off, yes or no as true or false, also where a key stands."""

    def keys(node: Any) -> Iterator[Any]:
        if isinstance(node, DictConfig):
            for key in node:
                yield key
                yield from keys(node._get_node(key))

    assert all(isinstance(key, str) for key in keys(OmegaConf.load(file)))


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_any_part_of_the_split_may_be_scored(part: str) -> None:
    assert resolved("evaluate", f"part={part}")["part"] == part
    assert resolved("evaluate")["part"] == "test"


def test_values_of_numbers_are_numbers() -> None:
    """YAML reads 1e-3 as a string."""

    def strings(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for name, value in node.items():
                yield from strings(value, f"{key}.{name}")
        elif isinstance(node, str):
            yield key, node

    for primary in PRIMARIES:
        for key, value in strings(resolved(primary)):
            with pytest.raises(ValueError, match=r".*"):
                float(value)
            assert value.strip(), key


def test_two_runs_have_two_folders() -> None:
    first, second = (resolved("train")["run_dir"] for _ in range(2))
    assert first != second
    assert first.endswith("_vae_clip")
    assert resolved("train", "model=clip_mlp")["run_dir"].endswith("_clip_mlp")


def test_the_default_is_offline_on_one_cpu() -> None:
    values = resolved("train")
    assert (values["data"]["_target_"], values["trainer"]["accelerator"]) == (
        "emo3d_exp.data.MiniData",
        "cpu",
    )
    assert values["seed"] == 1
    assert values["backbone"]["pretrained"] == "packaged"
