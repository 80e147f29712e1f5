"""What can be known to fail before any work is done."""

from __future__ import annotations

from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, get_type_hints

import yaml
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.assemble import PARTS, build_augmentation
from emo3d_exp.app.choices import choices
from emo3d_exp.backbones import Tuning
from emo3d_exp.errors import ConfigError, WeightsUnavailableError
from emo3d_exp.models import model_class, model_classes

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule


def check_weights(cfg: DictConfig) -> None:
    """Raise WeightsUnavailableError, within seconds and without importing torch, where the backbone's or the
    judge's weights are neither on this machine nor reachable.
    """
    instantiate(cfg.backbone).check()
    if cfg.evaluate and cfg.model.name != "face_clip":
        check_judge(cfg)


def check_rig(cfg: DictConfig) -> None:
    """Raise the rig's own error where faces will be drawn with it; the shipped head needs no look."""
    if cfg.evaluate and cfg.metric.judge is not None and cfg.rig.get("name") != "builtin":
        instantiate(cfg.rig)


def check_judge(cfg: DictConfig) -> None:
    """As :func:`check_weights`, for the metric's judge alone."""
    if cfg.metric.judge is None:
        return
    try:
        instantiate(cfg.metric.judge).check()
    except WeightsUnavailableError as error:
        message = (
            str(error).replace("backbone=", "backbone@metric.judge=").replace("backbone.", "metric.judge.")
        )
        raise WeightsUnavailableError(f"the metric's judge: {message}") from error


def check_parts(cfg: DictConfig) -> None:
    """Raise ConfigError where the model cannot work with a part that was chosen for it."""
    model = model_class(cfg.model.name)
    taken, wanted = signature(model).parameters, get_type_hints(model.__init__)
    for group in PARTS:
        if group in cfg and group not in taken:
            raise ConfigError(f"model={cfg.model.name} has no {group}: leave {group}=… out")
        if group in taken and group not in cfg:
            raise ConfigError(f"model={cfg.model.name} needs {group}=…")
    check_tuning(cfg)
    for group in ("head", *PARTS):
        given = get_object(cfg[group]._target_) if group in cfg else None
        right = wanted.get(group)
        if isinstance(given, type) and isinstance(right, type) and not issubclass(given, right):
            fitting = [name for name, target in _choices(group).items() if _fits(target, right)]
            raise ConfigError(
                f"model={cfg.model.name} needs a {group} of class {right.__name__}, not "
                f"{given.__name__}; choose {' or '.join(f'{group}={name}' for name in fitting)}"
            )
    check_augmentation(cfg)


def check_augmentation(cfg: DictConfig) -> None:
    """Raise ConfigError where the model cannot use what ``augmentation=…`` asks for."""
    from emo3d_exp.models.closed_form import ClosedForm

    augmentation, name = build_augmentation(cfg), cfg.model.name
    if name == "face_clip" and augmentation.does_something:
        raise ConfigError(
            "model=face_clip mirrors its pictures anyway and has model.text_noise: leave augmentation=… out"
        )
    drawn = {"text_noise": augmentation.text_noise, "image_noise": augmentation.image_noise}
    if issubclass(model_class(name), ClosedForm):
        reason = "it is solved at once, so there are no epochs to draw them anew for"
        drawn["beginnings"] = augmentation.beginnings
    elif cfg.backbone.get("trainable"):
        reason = "its backbone is trained (backbone.trainable), so there are no fixed embeddings"
    else:
        reason = ""
    if reason and any(drawn.values()):
        keys = ", ".join(f"augmentation.{key}" for key, value in drawn.items() if value)
        raise ConfigError(f"{keys} with model={name}: {reason}; set to 0")
    if augmentation.image_noise and "image" not in model_class(name).modalities:
        raise ConfigError(f"augmentation.image_noise with model={name}: it sees no pictures; set it to 0")


def check_tuning(cfg: DictConfig) -> None:
    """Raise ConfigError where the backbone is to be trained with a model that cannot train it, or is frozen
    and yet told how to be trained."""
    tuning = cfg.backbone.get("tuning")
    if tuning is not None and not cfg.backbone.trainable:
        given, usual = asdict(instantiate(tuning)), asdict(Tuning())
        if changed := [name for name in usual if given[name] != usual[name]]:
            keys = ", ".join(f"backbone.tuning.{name}" for name in changed)
            raise ConfigError(f"{keys}: the backbone is frozen; add backbone.trainable=true")
    if OmegaConf.select(cfg, "backbone.trainable", default=False) and not _trains_texts(
        model_class(cfg.model.name)
    ):
        fitting = [name for name, model in model_classes().items() if _trains_texts(model)]
        raise ConfigError(
            f"backbone.trainable=true: model={cfg.model.name} cannot train its backbone; those that learn "
            f"from texts alone, by gradients, can: {', '.join(f'model={name}' for name in fitting)}"
        )


def _trains_texts(model: type[LightningModule]) -> bool:
    from emo3d_exp.models.base import TextToBlendshapes

    return issubclass(model, TextToBlendshapes) and model.modalities == {"text"}


def _choices(group: str) -> dict[str, str]:
    files = {name: choice.file for name, choice in choices(group).items()}
    return {
        name: yaml.safe_load(file.read_text(encoding="utf-8"))["_target_"] for name, file in files.items()
    }


def _fits(target: str, wanted: type) -> bool:
    try:
        found = get_object(target)
    except Exception:  # of a plug-in that is broken, and not asked for
        return False
    return isinstance(found, type) and issubclass(found, wanted)
