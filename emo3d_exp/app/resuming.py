"""``resume=true``: a run that goes on by its own config, or a sweep that leaves out what is done."""

from __future__ import annotations

import json
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.overriding import overridden, paths_given
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder, settings

APART = {"run_dir", "resume", "threads"}
"""Keys in which a run that goes on may differ from what it was."""
NAMES = {"name", "group", "tags", "tracking"}
"""Keys in which a sweep that is given again may differ too; what is not done takes over ``tracking``."""
PLACE = tuple(f"trainer.{key}" for key in ("accelerator", "devices", "num_nodes", "strategy"))
"""Keys by which a run may go on elsewhere: the weights come out the same."""


def is_job_of_sweep() -> bool:
    """This task is one of several of a Hydra multirun."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


def own_config(run: RunFolder, cfg: DictConfig) -> DictConfig:
    """The config of the run that is to go on.

    Raises:
        ConfigError: the command line asks for something else than the run was started with.
    """
    keys = [override.split("=", 1)[0] for override in HydraConfig.get().overrides.task]
    if is_job_of_sweep():
        _require_same_settings(run, cfg)
    elif not run.config_file.is_file() and "run_dir" not in keys:
        raise ConfigError("resume=true: say which run goes on, run_dir=outputs/…")
    own = run.config()
    if is_job_of_sweep():
        own = overridden(own, cfg, keys, ("tracking",))
    else:
        _refuse_changes(own, cfg, keys)
    if "threads" in keys:
        own.threads = cfg.threads
    take_place(own, cfg, keys)
    if "imported" in run.provenance():
        raise ConfigError(f"{run.path} holds weights of other code: no training to go on with")
    return own


def take_place(own: DictConfig, cfg: DictConfig, keys: list[str]) -> None:
    """Put the devices on which a run goes on into its own config, where the command line names some."""
    given = paths_given(keys)
    places = [key for key in PLACE if "trainer" in given or key in given]
    OmegaConf.set_struct(own, False)
    for key in places:
        OmegaConf.update(own, key, OmegaConf.select(cfg, key))
    OmegaConf.set_struct(own, True)


def finished_error(run: RunFolder, cfg: DictConfig) -> float | None:
    """The validation error of a run that has nothing left to do; None where it has."""
    if cfg.evaluate and not (run.evaluation("test") / "metrics.json").is_file():
        return None
    return trained_error(run, cfg)


def trained_error(run: RunFolder, cfg: DictConfig) -> float | None:
    """The validation error of a run whose training is done; None where it is not."""
    if not run.weights_file.is_file() or not run.model_file.is_file():
        return None
    if cfg.model.name == "face_clip":  # whose second stage and export come after the weights
        return None
    told = json.loads(run.model_file.read_text(encoding="utf-8"))
    return next((float(value) for key, value in told.items() if key.startswith("val/")), None)


def _refuse_changes(own: DictConfig, cfg: DictConfig, keys: list[str]) -> None:
    """What is given must be what the run has; its number of threads and its devices may be others."""
    differing = {key for key in _differing(own, cfg) if key not in PLACE}
    given = [path for path in paths_given(keys) if path.split(".")[0] not in APART and path != "trainer"]
    foreign = [path for path in given if any(f"{key}.".startswith(f"{path}.") for key in differing)]
    if foreign:
        raise ConfigError(
            f"{', '.join(foreign)}: a run goes on by its own config; give run_dir alone with resume=true"
        )


def _require_same_settings(run: RunFolder, cfg: DictConfig) -> None:
    found = _differing(run.config(), cfg)
    differing = {key: values for key, values in found.items() if not _may_differ(key)}
    if differing:
        key = min(differing)
        raise ConfigError(
            f"{run.path} holds a run with other settings ({key} is {differing[key][0]}, asked for is "
            f"{differing[key][1]}; {len(differing)} differ): move it away, or choose another "
            "hydra.sweep.dir. Where two jobs of one sweep share a folder, name what differs in "
            "hydra.sweep.subdir"
        )


def _may_differ(key: str) -> bool:
    return key in PLACE or key.split(".")[0] in NAMES


def _differing(stored: DictConfig, asked: DictConfig) -> dict[str, tuple[Any, Any]]:
    """Key → both values, where they are not the same."""
    one, other = (_flat(settings(cfg)) for cfg in (stored, asked))
    return {
        key: (one.get(key), other.get(key))
        for key in sorted({*one, *other})
        if key.split(".")[0] not in APART and one.get(key) != other.get(key)
    }


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix.removesuffix("."): values}
    return {key: v for name, value in values.items() for key, v in _flat(value, f"{prefix}{name}.").items()}
