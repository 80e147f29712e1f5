"""Numbers and switches of a training, checked before any work: YAML takes any word for them."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from emo3d_exp.errors import ConfigError

SWITCHES = ("evaluate", "resume", "backbone.trainable", "backbone.normalize", "augmentation.mirror",
            "data.streaming")  # fmt: skip
WHOLE = {"seed": 0, "batch_size": 1, "patience": 0, "threads": 1, "trainer.max_epochs": 1}
"""Key of a whole number: the smallest that makes sense."""
MAY_BE_NULL = ("patience", "threads")


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
    if rate is not None and not (isinstance(rate, int | float) and 0 <= rate < float("inf")):
        raise ConfigError(f"optimizer.lr={rate} must be a number not below 0")


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


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
