"""Which errors are told in a line, and which keep their traceback."""

from __future__ import annotations

import pytest
from hydra.utils import instantiate

from emo3d_exp.app.evaluate import REPLACEABLE
from emo3d_exp.app.explaining import explain, told_to_user
from emo3d_exp.errors import ConfigError, DataError, Emo3DError, WeightsUnavailableError


@pytest.mark.parametrize("kind", [ConfigError, DataError, Emo3DError, WeightsUnavailableError])
def test_errors_for_the_user_are_told(kind: type[Emo3DError]) -> None:
    assert told_to_user(kind("mend this"), "train", []) == "mend this"


def test_errors_of_a_constructor_are_told_although_hydra_wraps_them() -> None:
    config = {"_target_": "emo3d_exp.losses.ContrastiveLoss", "like_share": 3.0}
    with pytest.raises(Exception, match="like_share") as caught:
        instantiate(config)
    told = told_to_user(caught.value, "train", [])
    assert told == "loss.like_share must be in [0, 1), got 3.0"


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("a bug"), RuntimeError("a bug")])
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    assert told_to_user(error, "train", []) is None


def unknown(key: str) -> Exception:
    from hydra.errors import ConfigCompositionException

    return ConfigCompositionException(f"Could not override '{key}'.\nTo append to your config use +{key}=1")


@pytest.mark.parametrize(
    ("key", "arguments", "close", "valid"),
    [
        ("loss.lamda_text", [], "loss.lambda_text", {"loss.lambda_text", "loss.lambda_image", "loss.beta"}),
        ("head.hiden", ["model=clip_mlp"], "head.hidden", {"head.hidden", "head.dropout"}),
        ("head.hiden", ["model=clip_mlp,vae_clip", "-m"], "head.hidden", {"head.hidden"}),
        ("metric.bank.sise", [], "metric.bank.size", {"metric.bank.seed", "metric.bank.split"}),
        ("bath_size", [], "batch_size", {"seed", "model", "experiment"}),
    ],
)
def test_a_misspelt_key(key: str, arguments: list[str], close: str, valid: set[str]) -> None:
    text = explain(unknown(key), "train", [*arguments, f"{key}=1"])
    assert f"'{key}'" in text
    assert f"did you mean '{close}'?" in text
    listed = set(text.splitlines()[-1].removeprefix("valid: ").split(", "))
    assert valid | {close} <= listed
    assert not any(part.startswith("_") for name in listed for part in name.split("."))


def test_a_key_of_a_script_is_looked_up_in_its_own_config() -> None:
    text = explain(unknown("sed"), "evaluate", [])
    assert "predictions" in text
    assert "max_epochs" not in text


@pytest.mark.parametrize(
    ("script", "key", "arguments", "owner"),
    [
        ("train", "teacher_forcing.ratio", ["model=clip_mlp"], "model=clip_mlp"),
        ("train", "teacher_forcing", ["model=clip_mlp"], "model=clip_mlp"),
        ("train", "optimizer.lr", ["model=ridge"], "model=ridge"),
        ("evaluate", "loss.lambda_text", [], "evaluate.py"),
    ],
)
def test_a_part_that_is_not_there(script: str, key: str, arguments: list[str], owner: str) -> None:
    told = explain(unknown(key), script, [*arguments, f"{key}=1"])
    assert told == f"there is no setting '{key}' here: {owner} has no {key.split('.')[0]}"


def test_a_broken_command_line_still_gets_an_answer() -> None:
    assert explain(unknown("a.b"), "train", ["model=none_such"]) == "there is no setting 'a.b'"


def test_groups_that_a_second_scoring_may_replace_exist() -> None:
    from emo3d_exp.app.cli import CONF

    assert all((CONF / group).is_dir() for group in REPLACEABLE)
