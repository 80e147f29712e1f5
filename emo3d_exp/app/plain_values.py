"""Numbers and switches of a training, checked before any work: YAML takes any word for them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.errors import ConfigError

SWITCHES = ("evaluate", "resume", "backbone.trainable", "backbone.normalize", "augmentation.mirror",
            "data.streaming")  # fmt: skip
WHOLE = {"seed": 0, "batch_size": 1, "patience": 0, "threads": 1, "trainer.max_epochs": 1}
"""Key of a whole number: the smallest that makes sense."""
MAY_BE_NULL = ("patience", "threads")
WEIGHTS = ("lambda_", "beta")
"""How the names of losses' weights begin."""


def check_plain_values(cfg: DictConfig) -> None:
    """Raise ConfigError that names a key whose value is of another kind, or out of range."""
    for key in SWITCHES:
        value = OmegaConf.select(cfg, key)
        if value is not None and not isinstance(value, bool):
            raise ConfigError(f"{key}={value} must be true or false")
    for key, least in WHOLE.items():
        value = OmegaConf.select(cfg, key)
        if value is None and (key in MAY_BE_NULL or key not in cfg):
            continue
        if not _whole(value) or value < least:
            null = " or null" if key in MAY_BE_NULL else ""
            raise ConfigError(f"{key}={value} must be a whole number from {least}{null}")
    rate = OmegaConf.select(cfg, "optimizer.lr")
    if rate is not None and not _from_zero(rate):
        raise ConfigError(f"optimizer.lr={rate} must be a number not below 0")
    loss = OmegaConf.select(cfg, "loss")
    for key in loss if isinstance(loss, DictConfig) else ():
        if str(key).startswith(WEIGHTS) and not _from_zero(loss[key]):
            raise ConfigError(f"loss.{key}={loss[key]} must be a number not below 0")


def check_swept_values(arguments: list[str]) -> None:
    """Raise ConfigError where one of the values that a command line goes through is wrong, before the first
    job begins.

    Args:
        arguments: as given. What Hydra cannot read is left to Hydra.
    """
    parser = OverridesParser.create()
    for argument in arguments:
        with suppress(HydraException):
            (override,) = parser.parse_overrides([argument])
            for text in override.sweep_string_iterator() if override.is_sweep_override() else ():
                (one,) = parser.parse_overrides([f"{override.key_or_group}={text}"])
                cfg = OmegaConf.create({})
                OmegaConf.update(cfg, one.key_or_group, one.value())
                check_plain_values(cfg)


def check_choices(overrides: list[str]) -> None:
    """Raise ConfigError where a group is given several choices, of which the last would silently win.

    Args:
        overrides: of the command line, such as ``augmentation=[mirror,words]``.
    """
    from emo3d_exp.app.choices import groups

    known = groups()
    for override in overrides:
        key, _, value = override.partition("=")
        group = key.split("@")[0].lstrip("+~")
        if value.startswith("[") and group != "experiment" and group.split("/")[0] in known:
            raise ConfigError(
                f"{override}: one choice of {group} at a time; of several the last would win. Set what the "
                f"others change by their keys, {group}.…=…"
            )


def _from_zero(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
