from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from emo3d_exp.tracking import Tracker

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "tracking"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_file_lists_every_setting_with_its_default(file: Path) -> None:
    config = OmegaConf.load(file)
    parameters = inspect.signature(get_class(config["_target_"])).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert {name: value for name, value in config.items() if name != "_target_"} == defaults
    assert isinstance(instantiate(config), Tracker)


def test_three_choices_are_there() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {"wandb", "csv", "none"}
