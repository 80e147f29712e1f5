from __future__ import annotations

from pathlib import Path

import pytest

from emo3d_exp.errors import ConfigError
from emo3d_exp.tracking import ModeChoice, choose_mode, find_key

SERVER = "https://wandb.example.org"


@pytest.mark.parametrize(
    ("configured", "variable", "remembered", "key", "mode"),
    [
        (None, None, None, False, "offline"),
        (None, None, None, True, "online"),
        (None, None, "online", True, "online"),
        (None, None, "offline", True, "offline"),
        (None, "offline", None, True, "offline"),
        (None, "dryrun", None, True, "offline"),
        (None, "disabled", None, True, "disabled"),
        (None, "online", "offline", True, "online"),
        (None, "", None, True, "online"),
        ("offline", "online", None, True, "offline"),
        ("disabled", "online", None, True, "disabled"),
        ("online", "disabled", "offline", True, "online"),
    ],
)
def test_first_source_that_speaks_decides(
    configured: str | None, variable: str | None, remembered: str | None, key: bool, mode: str
) -> None:
    environment = {} if variable is None else {"WANDB_MODE": variable}
    assert choose_mode(configured, environment, lambda: key, remembered) == ModeChoice(mode)


@pytest.mark.parametrize(("configured", "environment"), [("online", {}), (None, {"WANDB_MODE": "online"})])
def test_online_without_key_goes_offline_and_says_why(
    configured: str | None, environment: dict[str, str]
) -> None:
    choice = choose_mode(configured, environment, lambda: False)
    assert choice.mode == "offline"
    assert "API key" in (choice.reason or "")


@pytest.mark.parametrize(
    ("configured", "environment", "named"),
    [("onlin", {}, "tracking.mode=onlin"), (None, {"WANDB_MODE": "off"}, "WANDB_MODE=off")],
)
def test_misspelt_mode_is_refused(configured: str | None, environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        choose_mode(configured, environment, lambda: True)


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"])
def test_key_in_environment(name: str, tmp_path: Path) -> None:
    nowhere = {"NETRC": str(tmp_path / "none")}
    assert find_key(SERVER, {**nowhere, name: "something"})
    assert not find_key(SERVER, {**nowhere, name: ""})
    assert not find_key(SERVER, nowhere)


def test_key_in_netrc_is_found_for_its_own_server_only(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine wandb.example.org\n  login user\n  password abc\n")
    file.chmod(0o600)
    assert find_key(SERVER, {"NETRC": str(file)})
    assert not find_key("https://other.example.org", {"NETRC": str(file)})


def test_key_of_the_public_service_counts_for_all_its_names(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine api.wandb.ai\n  login user\n  password abc\n")
    file.chmod(0o600)
    for server in ("https://api.wandb.ai", "https://api.forge.coreweave.com"):
        assert find_key(server, {"NETRC": str(file)})


def test_damaged_netrc_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine wandb.example.org login")
    assert not find_key(SERVER, {"NETRC": str(file)})
