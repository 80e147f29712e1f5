"""Names of LightningModules, because tables, tests and saved runs name them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
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
"""The models of this package; other packages add theirs by the entry-point group ``PLUGIN_MODELS``."""

PLUGIN_MODELS = "emo3d_exp.models"

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
        ConfigError: no such model; the message lists those there are. Or a plug-in's that cannot be imported,
            or that two plug-ins bring.
    """
    if name in _BUILTIN:
        import_module(_BUILTIN[name])
    elif name not in _REGISTRY:
        _load(name)
    if name not in _REGISTRY:
        plugins = {entry.name for entry in entry_points(group=PLUGIN_MODELS)}
        known = sorted({*MODEL_NAMES, *_REGISTRY, *plugins})
        raise ConfigError(
            f"no model is registered as {name!r}; there are: {', '.join(known)}. A new one needs a line in "
            f"emo3d_exp/models/registry.py, or an entry point of the group {PLUGIN_MODELS}"
        )
    return _REGISTRY[name]


def model_classes() -> dict[str, type[LightningModule]]:
    """All models by name, without those of plug-ins that cannot be imported."""
    found = {name: model_class(name) for name in MODEL_NAMES}
    for name in sorted({entry.name for entry in entry_points(group=PLUGIN_MODELS)} - set(found)):
        with suppress(ConfigError):
            found[name] = model_class(name)
    return found


def package_of(entry: EntryPoint) -> str:
    """The installed package that declares an entry point."""
    name = entry.dist.name if entry.dist is not None else None  # also of a damaged installation it is None
    return name or entry.module.split(".")[0]


def _load(name: str) -> None:
    """Register a plug-in's model, where one has the name."""
    entries = tuple(entry_points(group=PLUGIN_MODELS, name=name))
    if len(entries) > 1:
        packages = " and ".join(sorted(package_of(entry) for entry in entries))
        raise ConfigError(f"model name {name!r}: {packages} both bring it; uninstall one")
    for entry in entries:
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:  # whatever the code of others raises as it is imported
            raise ConfigError(
                f"plug-in {package_of(entry)}: its model {name} ({entry.value}) cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(found, type):
            raise ConfigError(
                f"plug-in {package_of(entry)}: its model {name} ({entry.value}) is no class but {found!r}"
            )
        register_model(name)(found)
