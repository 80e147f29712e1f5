"""Every config file has code behind it, and says all that the code can be told."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.choices import Choice

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"

PACKAGE_OF = {
    "backbone": "emo3d_exp.backbones",
    "checkpoint": "emo3d_exp.checkpoints",
    "head": "emo3d_exp.heads",
    "loss": "emo3d_exp.losses",
    "optimizer": "torch.optim",
    "augmentation": "emo3d_exp.augmentation",
    "teacher_forcing": "emo3d_exp.models",
    "data": "emo3d_exp.data",
    "builder": "emo3d_exp.dataset_builder",
    "split": "emo3d_exp.data",
    "rig": "emo3d_exp.faces",
    "renderer": "emo3d_exp.faces",
    "metric": "emo3d_exp.evaluation",
    "meta": "emo3d_exp.evaluation.meta",
    "trainer": "pytorch_lightning",
    "tracking": "emo3d_exp.tracking",
    "executor": "emo3d_exp.dataset_builder",
}
"""Where the code of a group lies. ``model`` goes through the registry, ``experiment`` only sets keys."""

PACKAGE_OF_OPTION = {"head/face_clip": "emo3d_exp.backbones"}

SUPPLIED = {
    "emo3d_exp.backbones.build_face_clip": {"in_features"},
    "emo3d_exp.heads.CVAEEnsembleHead": {"in_features", "out_features"},
    "emo3d_exp.heads.EmotionHead": {"in_features", "out_features"},
    "emo3d_exp.heads.MLPHead": {"in_features", "out_features"},
    "emo3d_exp.heads.NearestHead": {"in_features", "out_features"},
    "emo3d_exp.heads.RidgeHead": {"in_features", "out_features"},
    "emo3d_exp.heads.VAEHead": {"in_features", "out_features"},
    "emo3d_exp.faces.Renderer": {"rig"},
    "emo3d_exp.evaluation.Evaluator": {"rig", "renderer", "cache"},
}
"""Arguments that the scripts give; all others stand in the config."""

LEFT_OUT = {
    "rig/builtin": {"path", "identity"},
    "rig/gltf": {"identity"},
    "metric/mse": {"k", "eps", "aggregation", "exclude_self", "bank", "looks", "threads"},
}
"""Arguments without a meaning for that option."""

OPTIONS = sorted(p.relative_to(CONF).with_suffix("").as_posix() for p in CONF.glob("*/**/*.yaml"))
WITH_TARGET = [name for name in OPTIONS if name.split("/")[0] in PACKAGE_OF]


@pytest.mark.parametrize("option", OPTIONS)
def test_every_file_begins_with_a_line_that_says_what_it_is(option: str) -> None:
    """``--help`` shows it beside the name, on terminals 110 wide without cutting it off."""
    described = Choice(option, CONF / f"{option}.yaml", "").describe()
    assert 10 <= len(described) <= 88, f"{len(described)} letters: {described}"
    assert described.endswith("."), f"goes on in the next line: {described}"


def load(option: str) -> DictConfig:
    config = OmegaConf.load(CONF / f"{option}.yaml")
    assert isinstance(config, DictConfig)
    return config


def targets(node: Any) -> list[DictConfig]:
    """Every mapping with a ``_target_``, at any depth."""
    if not isinstance(node, DictConfig):
        return []
    plain = [key for key in node if not OmegaConf.is_interpolation(node, key)]
    inner = [found for key in plain for found in targets(node[key])]
    return ([node] if "_target_" in node else []) + inner


def own_keys(config: DictConfig) -> set[str]:
    """Keys that reach the constructor: those written, and those that a default list puts there."""
    nested = {
        str(key).split("@")[1]
        for entry in config.get("defaults", ())
        if isinstance(entry, DictConfig)
        for key in entry
        if "@" in str(key) and "_global_" not in str(key)
    }
    return {str(key) for key in config if not str(key).startswith("_") and key != "defaults"} | nested


def test_every_group_is_known_and_reached_by_a_script() -> None:
    folders = {p.name for p in CONF.iterdir() if p.is_dir()}
    assert folders == {*PACKAGE_OF, "model", "experiment"}
    reached: set[str] = set()
    for file in (*CONF.glob("*.yaml"), *CONF.glob("model/*.yaml")):
        for entry in OmegaConf.load(file).defaults:
            if isinstance(entry, DictConfig):
                names = (str(key).removeprefix("override ").lstrip("/").split("@")[0] for key in entry)
                reached |= {name.split("/")[0] for name in names}
    assert folders <= reached


def test_every_package_of_parts_has_a_group() -> None:
    packages = {name.split(".")[1] for name in PACKAGE_OF.values() if name.startswith("emo3d_exp")}
    own = {p.name for p in (ROOT / "emo3d_exp").iterdir() if (p / "__init__.py").is_file()}
    without = {"vocab", "runs", "app", "metrics", "models", "dataset_builder", "exporters", "studio"}
    without |= {"comparison", "records", "sweeping"}
    assert own - packages - without == set()


@pytest.mark.parametrize("option", WITH_TARGET)
def test_option_builds_something_of_its_groups_package(option: str) -> None:
    config = load(option)
    package = PACKAGE_OF_OPTION.get(option, PACKAGE_OF[option.split("/")[0]])
    assert config._target_.rpartition(".")[0] == package, "name it as the package exports it"
    assert callable(get_object(config._target_))
    assert get_object(package) is not None


@pytest.mark.parametrize("option", WITH_TARGET)
def test_keys_are_the_constructors_arguments(option: str) -> None:
    for node in targets(load(option)):
        parameters = inspect.signature(get_object(node._target_)).parameters
        keys, names = own_keys(node), set(parameters)
        assert keys <= names, f"{option}: no code behind {sorted(keys - names)}"
        if node._target_.startswith("emo3d_exp."):
            expected = names - SUPPLIED.get(node._target_, set()) - LEFT_OUT.get(option, set())
            assert keys == expected, f"{option}: cannot set {sorted(expected - keys)}"


@pytest.mark.parametrize("option", WITH_TARGET)
def test_configured_constructors_take_no_surplus_keys(option: str) -> None:
    for node in targets(load(option)):
        if node._target_.startswith("emo3d_exp."):
            kinds = {p.kind for p in inspect.signature(get_object(node._target_)).parameters.values()}
            assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


@pytest.mark.parametrize("option", [name for name in OPTIONS if name.startswith("model/")])
def test_model_keys_are_the_models_arguments(option: str) -> None:
    from emo3d_exp.app.assemble import PARTS
    from emo3d_exp.models import model_class

    config = load(option)
    config = config.get("model", config)  # a file that sets other groups' keys too
    assert config.name == option.removeprefix("model/")
    parameters = inspect.signature(model_class(config.name)).parameters
    used_by_the_script = {"face_clip": {"export_to", "people", "refine"}}.get(config.name, set())
    assert own_keys(config) - {"name"} - used_by_the_script == set(parameters) - {"head", *PARTS}
    assert all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def test_every_model_has_a_config() -> None:
    from emo3d_exp.models import MODEL_NAMES

    assert {name.removeprefix("model/") for name in OPTIONS if name.startswith("model/")} == set(MODEL_NAMES)


@pytest.mark.parametrize(
    ("module", "base"),
    [
        ("emo3d_exp.backbones", "Encoder"),
        ("emo3d_exp.losses", "WeightedLoss"),
        ("emo3d_exp.models", "TeacherForcing"),
        ("emo3d_exp.data", "Splitter"),
        ("emo3d_exp.tracking", "Tracker"),
    ],
)
def test_every_exported_part_can_be_chosen(module: str, base: str) -> None:
    package = get_object(module)
    parts = {
        f"{module}.{name}"
        for name in package.__all__
        if inspect.isclass(part := getattr(package, name))
        and issubclass(part, getattr(package, base))
        and not inspect.isabstract(part)
    }
    assert parts
    assert parts <= {load(option)._target_ for option in WITH_TARGET}
