"""The config files of the stages that ask language models."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf"
STAGES = ("+builder/texts=llm", "+builder/emotions=llm")


def composed(*overrides: str):
    with initialize_config_dir(str(CONF), version_base=None):
        return compose(overrides=[*STAGES, *overrides])


@pytest.mark.parametrize("model", ["openai", "local_server", "hugging_face"])
def test_each_stage_has_a_model_of_its_own_choice(model: str) -> None:
    overrides = [f"builder/model@builder.texts.model={model}", "builder.texts.model.model=mine"]
    if model == "openai":
        overrides += ["builder.texts.model.price_in=0.5", "builder.texts.model.price_out=1.5"]
    cfg = composed(*overrides)
    stage = instantiate(cfg.builder.texts)
    assert stage.model.identity()["model"] == "mine"
    assert json.loads(json.dumps(stage.parameters())) == stage.parameters()
    assert len(stage.source()) == stage.samples == 1000
    assert stage.estimate(stage.source()).calls == 1000
    assert cfg.builder.emotions.model.model is None


@pytest.mark.parametrize("stage", ["texts", "emotions"])
def test_what_a_file_says_is_what_the_constructor_takes_by_itself(stage: str) -> None:
    """But for the values that have no default in the code."""
    told = OmegaConf.to_container(composed()["builder"][stage])
    parameters = inspect.signature(get_object(told.pop("_target_"))).parameters
    assert set(told) == set(parameters)
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            assert told[name] == (list(default) if isinstance(default, tuple) else default), name
