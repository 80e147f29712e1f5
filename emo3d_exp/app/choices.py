"""What there is to choose from: the config files of ours, of plug-ins and of ``--config-dir``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.plugins import plugin_folders

CONF = Path(__file__).resolve().parents[2] / "conf"
SWEEPS = CONF.parent / "multirun_sweeps"
HEAD = 1024
"""Bytes of a file in which its description has to begin."""


@dataclass(frozen=True)
class Choice:
    """One file of a group.

    Attributes:
        name: as on the command line, such as ``minilm`` or ``paper/vae_clip``.
        source: who brings it: a plug-in's package, ``command-line``; empty for ours.
    """

    name: str
    file: Path
    source: str

    def describe(self) -> str:
        """The first line of the comment that the file begins with; empty without one."""
        with self.file.open("rb") as opened:
            head = opened.read(HEAD).decode("utf-8", errors="replace")
        for line in head.splitlines():
            if line.strip() and not line.startswith("#"):
                break
            if (text := line.lstrip("# ").strip()) and not text.startswith("@package"):
                return text
        return ""


def choices(group: str) -> dict[str, Choice]:
    """The choices of a group by name; of two files of a name the one that Hydra takes."""
    found: dict[str, Choice] = {}
    for source, folder in config_folders():
        for file in (folder / group).glob("**/*.yaml"):
            name = file.relative_to(folder / group).with_suffix("").as_posix()
            found.setdefault(name, Choice(name, file, source))
    return dict(sorted(found.items()))


def groups() -> list[str]:
    """Names of all groups, without those that lie in others."""
    inside = (place for _, folder in config_folders() for place in folder.iterdir())
    return sorted(
        {place.name for place in inside if place.is_dir() and not place.name.startswith(("_", "."))}
    )


def config_folders() -> list[tuple[str, Path]]:
    """(source, folder) in the order in which Hydra looks: its search path where it runs, else the usual."""
    if not GlobalHydra.instance().is_initialized():
        return [("", CONF), ("", SWEEPS), *((each.package, each.path) for each in plugin_folders())]
    searched = GlobalHydra.instance().config_loader().get_search_path().get_path()
    places = ((str(each.provider), _place(str(each.path))) for each in searched if each.provider != "hydra")
    ours = (CONF, SWEEPS)
    return [("" if path in ours else source, path) for source, path in places if path is not None]


def _place(path: str) -> Path | None:
    """The folder of an entry of the search path, where it is one."""
    scheme, separator, rest = path.rpartition("://")
    if scheme == "pkg":
        try:
            folder = Path(str(files(rest.strip("/").replace("/", "."))))
        except (ImportError, TypeError, ValueError):
            return None
    elif separator and scheme != "file":
        return None
    else:
        folder = Path(rest)
    return folder if folder.is_dir() else None


def register_listing() -> None:
    """Let help templates say ``${emo3d.choices:}``, which only ``--help`` ever reads."""
    OmegaConf.register_new_resolver("emo3d.choices", _listing, replace=True)


def _listing(*, _root_: DictConfig) -> str:
    width = shutil.get_terminal_size((110, 24)).columns
    lines = "\n".join(listing(_root_.hydra.runtime.choices, width))
    return lines.replace("$", "$$")  # Hydra's help is a string.Template


def listing(chosen: Mapping[str, Any], width: int = 110) -> Iterator[str]:
    """Lines for the choices of some groups, no wider than ``width``; names of the other groups last.

    Args:
        chosen: group → its choice as the command stands, as in ``hydra.runtime.choices``.
    """
    keys = [key for key in reversed(list(chosen)) if not key.startswith("hydra/")]
    shown: dict[str, str] = {}
    of_groups = {key: choices(key.split("@")[0]) for key in keys}
    column = min(24, max((len(name) for found in of_groups.values() for name in found), default=0))
    for key in keys:
        group = key.split("@")[0]
        if group in shown:
            yield f"{key}=  as {shown[group]}=; now {chosen[key]}"
            continue
        shown[group] = key
        yield f"{key}="
        for name, choice in of_groups[key].items():
            source = f" [{choice.source}]" if choice.source else ""
            mark = "*" if name == chosen[key] else " "
            yield _cut(f"  {mark} {name:<{column}}  {choice.describe()}", width - len(source)) + source
    others = sorted(set(groups()) - {group.split("/")[0] for group in shown})
    if others:
        yield _cut(f"Of other models or scripts: {', '.join(others)}", width)


def _cut(line: str, width: int) -> str:
    """The line, shortened at the end of a word."""
    if len(line) <= width:
        return line.rstrip()
    return re.sub(r"[\s,;:(…]+\S*$", "", line[: width - 1]) + "…"
