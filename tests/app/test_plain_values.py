"""Words where numbers and switches belong are told before any work."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig

from emo3d_exp.app.assemble import check_trainer
from emo3d_exp.app.checks import check_rig
from emo3d_exp.app.cli import CONF
from emo3d_exp.app.plain_values import check_choices, check_plain_values, check_swept_values
from emo3d_exp.errors import ConfigError


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=abc", "seed=abc must be a whole number from 0$"),
        ("seed=null", "seed=None must be a whole number from 0"),
        ("batch_size=0", "batch_size=0 must be a whole number from 1"),
        ("batch_size=2.5", "batch_size=2.5 must be a whole number"),
        ("patience=-1", "patience=-1 must be a whole number from 0 or null"),
        ("threads=two", "threads=two must be a whole number from 1 or null"),
        ("trainer.max_epochs=0", "max_epochs=0 must be a whole number from 1"),
        ("evaluate=maybe", "evaluate=maybe must be true or false"),
        ("augmentation.mirror=1", "augmentation.mirror=1 must be true or false"),
        ("optimizer.lr=-1", "optimizer.lr=-1 must be a number not below 0"),
        ("optimizer.lr=fast", "optimizer.lr=fast must be a number"),
        ("loss.lambda_text=much", r"loss\.lambda_text=much must be a number not below 0"),
        ("loss.beta=-1", r"loss\.beta=-1 must be a number not below 0"),
    ],
)
def test_a_value_of_another_kind_is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_plain_values(composed(override))


def test_a_switch_of_a_table_is_checked_too() -> None:
    with pytest.raises(ConfigError, match="streaming=maybe must be true or false"):
        check_plain_values(composed("data=table", "data.path=built", "data.streaming=maybe"))


@pytest.mark.parametrize(
    "overrides", [[], ["patience=null"], ["patience=0"], ["seed=0"], ["model=ridge"], ["optimizer.lr=1e-3"]]
)
def test_sound_values_pass(overrides: list[str]) -> None:
    check_plain_values(composed(*overrides))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("seed=1,two", "seed=two must be a whole number from 0"),
        ("optimizer.lr=choice(0.1,-1)", "optimizer.lr=-1 must be a number"),
        ("trainer.max_epochs=range(0,3)", "max_epochs=0 must be a whole number from 1"),
        ("loss.lambda_text=0.1,much", r"loss\.lambda_text=much must be a number"),
    ],
)
def test_each_value_of_a_sweep_is_looked_at_before_its_first_job(argument: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_swept_values(["-m", "model=vae_clip,clip_mlp", argument])


def test_sound_sweeps_and_what_hydra_has_to_tell_of_pass() -> None:
    check_swept_values(["-m", "seed=1,2", "model=a,b", "optimizer.lr=1e-3,0.1", "patience=null,3"])
    check_swept_values(
        ["--help", "seed=[", "optimizer.lr=tag(log,interval(1e-4,1e-1))", "x", "~loss", "a=b=c"]
    )


def test_several_choices_of_a_group_are_refused() -> None:
    check_choices(["tags=[a,b]", "head.hidden=[8,4]", "model=clip_mlp", "experiment=[fine_tuned]"])
    with pytest.raises(ConfigError, match=r"augmentation=\[mirror,words\]: one choice of augmentation"):
        check_choices(["seed=1", "augmentation=[mirror,words]"])


def test_a_trainer_that_cannot_be_is_told() -> None:
    check_trainer(composed())
    with pytest.raises(ConfigError, match=r"^trainer: .*abacus.*\(trainer=cpu trains anywhere\)"):
        check_trainer(composed("trainer.accelerator=abacus"))


def test_the_rig_is_looked_for_where_faces_will_be_drawn(tmp_path: object) -> None:
    missing = ["rig=gltf", f"rig.path={tmp_path}/none.glb"]
    check_rig(composed())
    check_rig(composed(*missing, "metric=mse"))
    check_rig(composed(*missing, "evaluate=false"))
    with pytest.raises(InstantiationException, match=r"none\.glb"):
        check_rig(composed(*missing))
