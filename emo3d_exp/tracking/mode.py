"""Whether a W&B run goes online: decided here, so that W&B itself never has to ask."""

from __future__ import annotations

import netrc
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from emo3d_exp.errors import ConfigError

Mode = Literal["online", "offline", "disabled"]
# W&B's own older names for the first two.
_SPELLINGS: dict[str, Mode] = {
    "online": "online",
    "run": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}
# The public service answers at several names; a key is stored under the first.
_CLOUD_HOSTS = ("api.wandb.ai", "api.forge.coreweave.com", "forge.coreweave.com")


@dataclass(frozen=True)
class ModeChoice:
    """The mode, and a reason where it is another than the one asked for."""

    mode: Mode
    reason: str | None = None


def choose_mode(
    configured: str | None,
    environment: Mapping[str, str],
    has_key: Callable[[], bool],
    remembered: str | None = None,
) -> ModeChoice:
    """The first that speaks decides: config, ``WANDB_MODE``, ``wandb offline``, an API key.

    Args:
        configured: ``tracking.mode``: online, offline, disabled or None.
        environment: environment variables.
        has_key: asked only when the answer matters.
        remembered: mode in W&B's settings file, as the command ``wandb offline`` leaves it, or None.

    Raises:
        ConfigError: a mode that does not exist.
    """
    asked = _mode(configured, "tracking.mode") or _mode(environment.get("WANDB_MODE"), "WANDB_MODE")
    if asked is None and remembered in ("offline", "dryrun", "disabled"):
        asked = _SPELLINGS[remembered]
    if asked in ("offline", "disabled"):
        return ModeChoice(asked)
    if has_key():
        return ModeChoice("online")
    return ModeChoice("offline", "there is no API key" if asked == "online" else None)


def _mode(value: str | None, source: str) -> Mode | None:
    if not value:
        return None
    if value not in _SPELLINGS:
        raise ConfigError(f"{source}={value}: choose online, offline or disabled")
    return _SPELLINGS[value]


def find_key(base_url: str, environment: Mapping[str, str]) -> bool:
    """Whether an API key (or identity token) for the server lies in the environment or the netrc file.

    The key is neither returned nor checked, and no connection is made.
    """
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = _netrc_path(environment)
    host = urlsplit(base_url).netloc
    if path is None or not host:
        return False
    try:
        machines = netrc.netrc(str(path))
    except (netrc.NetrcParseError, OSError):
        return False
    names = (host, _CLOUD_HOSTS[0]) if host in _CLOUD_HOSTS else (host,)
    entries = [machines.authenticators(name) for name in names]
    return any(entry is not None and bool(entry[2]) for entry in entries)


def _netrc_path(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("NETRC")
    if named:
        return Path(os.path.expanduser(named))
    candidates = (Path.home() / ".netrc", Path.home() / "_netrc")
    return next((path for path in candidates if path.is_file()), None)
