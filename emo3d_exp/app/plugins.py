"""Packages of others that add choices: a config folder each, by the entry-point group ``emo3d_exp.conf``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, ListConfig

from emo3d_exp.errors import ConfigError
from emo3d_exp.models.registry import MODEL_NAMES, PLUGIN_MODELS, package_of

PLUGIN_CONF = "emo3d_exp.conf"
OURS = "emo3d_exp"
_UNLOADABLE = re.compile(r"Error (?:locating target|loading) '([\w.]+)'")


@dataclass(frozen=True)
class PluginFolder:
    """A config folder, laid out as ``conf``, and the installed package that brings it."""

    package: str
    path: Path

    def options(self) -> list[str]:
        """``group/name`` of its files."""
        files = self.path.rglob("*.yaml")
        return sorted(file.relative_to(self.path).with_suffix("").as_posix() for file in files)


class _PluginFiles(SearchPathPlugin):
    """Appends the folders of plug-ins: ours come first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in plugin_folders():
            search_path.append(folder.package, f"file://{folder.path}")


def admit_plugins(arguments: list[str], own: tuple[Path, ...]) -> None:
    """Make the choices of plug-ins known to Hydra; say in a line each what is wrong with them.

    Args:
        arguments: of the command line. own: our config folders.

    Raises:
        ConfigError: the arguments ask for a choice that several packages bring.
    """
    Plugins.instance().register(_PluginFiles)
    contested = contested_options(own)
    taken = [_told(option, packages) for option, packages in contested.items()]
    for problem in (*_searched()[1], *taken, *_contested_models()):
        sys.stderr.write(f"warning: plug-in {problem}\n")
    for argument in arguments:
        key, _, value = argument.partition("=")
        group = key.split("@")[0].lstrip("+~")
        for name in re.findall(r"[\w./-]+", value):
            if packages := contested.get(f"{group}/{name}"):
                raise ConfigError(
                    f"{group}={name} may mean that of {' or of '.join(packages)}: uninstall "
                    f"{' or '.join(each for each in packages if each != OURS)}, or rename its file"
                )


def plugin_folders() -> tuple[PluginFolder, ...]:
    """Config folders of the plug-ins that have them, by package."""
    return _searched()[0]


@cache
def _searched() -> tuple[tuple[PluginFolder, ...], tuple[str, ...]]:
    """The folders, and what is wrong with the others."""
    folders, problems = [], []
    for entry in sorted(entry_points(group=PLUGIN_CONF), key=package_of):
        package, path = package_of(entry), _folder(entry)
        if path is None:
            problems.append(
                f"{package}: there is no folder {entry.value} for its {PLUGIN_CONF}; install it anew"
            )
        else:
            folders.append(PluginFolder(package, path))
    return tuple(folders), tuple(problems)


def _folder(entry: EntryPoint) -> Path | None:
    """``package:conf`` as a folder. The package is not imported: its code may be slow, or broken."""
    top, *inner = f"{entry.module}.{entry.attr}".rstrip(".").split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((path for place in places if (path := Path(place, *inner)).is_dir()), None)


def contested_options(own: tuple[Path, ...]) -> dict[str, list[str]]:
    """``group/name`` that several packages bring, and their names; the first one's is used."""
    brought: dict[str, list[str]] = {}
    for folder in plugin_folders():
        for option in folder.options():
            ours = [OURS] if any((place / f"{option}.yaml").is_file() for place in own) else []
            brought.setdefault(option, ours).append(folder.package)
    return {option: packages for option, packages in brought.items() if len(packages) > 1}


def _contested_models() -> Iterator[str]:
    brought: dict[str, list[str]] = {}
    for entry in entry_points(group=PLUGIN_MODELS):
        brought.setdefault(entry.name, [OURS] if entry.name in MODEL_NAMES else []).append(package_of(entry))
    for name, packages in brought.items():
        if len(packages) > 1:
            yield _told(f"model name {name}", packages)


def _told(name: str, packages: list[str]) -> str:
    return f"{' and '.join(packages[1:])}: {name} is there already, from {packages[0]}, whose is used"


def told_of_plugin(error: BaseException) -> str | None:
    """One line naming the plug-in, where an error is that code of one cannot be imported; else None."""
    owners = {
        entry.module.split(".")[0]: package_of(entry)
        for group in (PLUGIN_CONF, PLUGIN_MODELS)
        for entry in entry_points(group=group)
    }
    cause: BaseException | None = error
    while cause is not None:
        found = _UNLOADABLE.search(str(cause))
        if found is not None and (package := owners.get(found.group(1).split(".")[0])):
            while cause.__cause__ is not None:
                cause = cause.__cause__
            reason = str(cause).strip().splitlines()[-1].strip()
            return f"plug-in {package}: {found.group(1)} cannot be imported: {reason}"
        cause = cause.__cause__
    return None


def require_packages(cfg: DictConfig, wanted_by: str) -> None:
    """Raise ConfigError where a saved config names code of a package that is not installed."""
    for target in _targets(cfg):
        top = target.split(".")[0]
        if find_spec(top) is None:
            raise ConfigError(f"{wanted_by} was made with {target}: install the package that brings {top}")


def _targets(node: object) -> Iterator[str]:
    if isinstance(node, DictConfig):
        for key in node:
            inner = node._get_node(key)
            if key == "_target_":
                yield str(node[key])
            else:
                yield from _targets(inner)
    elif isinstance(node, ListConfig):
        for index in range(len(node)):
            yield from _targets(node._get_node(index))
