"""Names of LightningModules, because tables, tests and saved runs name them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeVar

from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule

_BUILTIN = {
    "clip_mlp": "emo3d_exp.models.clip_mlp",
    "cvae_ensemble": "emo3d_exp.models.cvae_ensemble",
    "emotion_xlm": "emo3d_exp.models.emotion_xlm",
    "face_clip": "emo3d_exp.models.face_clip",
    "lm_mlp": "emo3d_exp.models.lm_mlp",
    "nearest": "emo3d_exp.models.closed_form",
    "ridge": "emo3d_exp.models.closed_form",
    "vae_clip": "emo3d_exp.models.vae_clip",
}
MODEL_NAMES = tuple(sorted(_BUILTIN))
"""The models of this package; other packages add theirs by the entry-point group ``emo3d_exp.models``."""

_REGISTRY: dict[str, type[LightningModule]] = {}
Class = TypeVar("Class", bound=type)


def register_model(name: str) -> Callable[[Class], Class]:
    """Class decorator: make a LightningModule known as ``model=name``.

    Raises:
        ValueError: another class has the name.
    """

    def register(cls: Class) -> Class:
        known = _REGISTRY.setdefault(name, cls)
        if known is not cls:
            raise ValueError(f"model name {name!r} is taken by {known.__module__}.{known.__qualname__}")
        return cls

    return register


def model_class(name: str) -> type[LightningModule]:
    """The registered class; its module is imported at this moment.

    Raises:
        ConfigError: no such model; the message lists those there are.
    """
    if name in _BUILTIN:
        import_module(_BUILTIN[name])
    elif name not in _REGISTRY:
        for entry in entry_points(group="emo3d_exp.models", name=name):
            register_model(name)(entry.load())
    if name not in _REGISTRY:
        plugins = {entry.name for entry in entry_points(group="emo3d_exp.models")}
        known = sorted({*MODEL_NAMES, *_REGISTRY, *plugins})
        raise ConfigError(
            f"no model is registered as {name!r}; there are: {', '.join(known)}. A new one needs a line in "
            "emo3d_exp/models/registry.py, or an entry point of the group emo3d_exp.models"
        )
    return _REGISTRY[name]
