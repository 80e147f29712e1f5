"""What a user is told of a mistake: the key, the valid ones, and no traceback."""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice, product
from pathlib import Path
from typing import Any

from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from emo3d_exp.app.choices import CONF, choices, groups
from emo3d_exp.app.plugins import told_of_plugin
from emo3d_exp.errors import ConfigError, DataError, Emo3DError, WeightsUnavailableError

PACKAGE = Path(__file__).resolve().parents[1]
STARTS = ("cli.py", "explaining.py")
"""Modules of ours that run before a task does."""
FEW = 12
"""Jobs of a sweep that are looked through for the one that lacks a key."""


def told_to_user(error: Exception, config_name: str, arguments: list[str]) -> str | None:
    """The message without a traceback for errors that the user can mend; None for all others.

    ``instantiate`` wraps what a constructor raises, so the causes count too.
    """
    if (own := next(_own(error), None)) is not None:
        return str(own)
    if told := told_of_plugin(error):
        return told
    if (full := _no_space(error)) is not None:
        return (
            f"the disk is full ({full}). Everything written before is whole: make room and give the same "
            "command again, for a run that was begun with resume=true"
        )
    if isinstance(error, HydraException | OmegaConfBaseException):
        return explain(error, config_name, arguments)
    if isinstance(error, YAMLError):
        return f"a config file is no YAML: {error}"
    if isinstance(error, OSError) and _before_the_task(error):
        return f"cannot write to the run folder: {error}. Choose another run_dir=…"
    return None


def is_refused(error: Exception) -> bool:
    """Whether the error says that settings, data or weights cannot work, in this start or another."""
    if _no_space(error) is not None:
        return False
    return isinstance(error, HydraException | OmegaConfBaseException) or any(
        isinstance(each, ConfigError | DataError | WeightsUnavailableError) for each in _own(error)
    )


def _own(error: BaseException) -> Iterator[Emo3DError]:
    """Errors of ours among an error and its causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Emo3DError):
            yield cause
        cause = cause.__cause__


def _no_space(error: BaseException) -> OSError | None:
    """The first cause that is a full disk or quota; libraries raise something else as they handle it."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return cause
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return None


def _before_the_task(error: Exception) -> bool:
    """Hydra makes the run folder before any code of ours runs."""
    files = [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return not any(f.is_relative_to(PACKAGE) and f.name not in STARTS for f in files)


def explain(error: Exception, config_name: str, arguments: list[str]) -> str:
    """Hydra's message, and for an unknown key or choice the ones that are valid in its place."""
    text = str(error)
    if error.__cause__ is not None:
        if isinstance(error, InstantiationException) and (key := re.search(r"^full_key: (.+)$", text, re.M)):
            return f"{key.group(1)}: {error.__cause__}"
        if str(error.__cause__) not in text:
            text += f"\n{error.__cause__}"
    if missing := re.search(r"Could not find '([^']+)'", text):
        return _explain_choice(missing.group(1), text, arguments)
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown is None:
        return text
    return _explain_key(unknown.group(1), config_name, arguments)


def _explain_choice(path: str, text: str, arguments: list[str]) -> str:
    """Of a file that is not there.

    Args:
        path: group and name. text: Hydra's, which lists those that are there.
    """
    given, name = _given_choice(path, arguments)
    group = given.split("@")[0]
    listed = re.search(r"^Available options in [^\n]*\n((?:\t[^\n]*\n?)*)", text, re.M)
    # Hydra's list lacks what lies in folders, ours what its own plug-ins add while it runs
    known = sorted({*choices(group), *(listed.group(1).split() if listed else [])})
    if not name or not known:
        return text
    last = {each.rpartition("/")[2]: each for each in known}
    close = get_close_matches(name, [*known, *last], n=1)
    hint = f"did you mean '{given}={last.get(close[0], close[0])}'? " if close else ""
    return f"there is no {group}={name}; {hint}there are: {', '.join(known)}"


def _given_choice(path: str, arguments: list[str]) -> tuple[str, str]:
    """Group, with its package as it was given, and name: ``a/b/c`` may be ``a=b/c`` or ``a/b=c``."""
    for key, _, values in (argument.partition("=") for argument in arguments):
        for value in values.strip("[]").split(","):
            if f"{key.lstrip('+').split('@')[0]}/{value}" == path:
                return key.lstrip("+"), value
    inside, _, last = path.rpartition("/")
    group = inside if path.startswith("hydra/") else path.partition("/")[0]
    return group, path.removeprefix(f"{group}/") if group else last


def _explain_key(key: str, config_name: str, arguments: list[str]) -> str:
    group, _, folder = key.partition("/")
    if nested := [option for option in _nested(group) if option.startswith(f"{folder}/")]:
        return f"'{key}' is no setting: write {' or '.join(f'{group}={option}' for option in nested)}"
    known = groups()
    try:
        cfg = _lacking(key, config_name, [a for a in arguments if "=" in a and not _sets(a, key)])
    except Exception:
        return f"there is no setting '{key}'"
    node, parent, wrong = _deepest(cfg, key)
    owner = f"model={cfg.model.name}" if "model" in cfg else f"{config_name}.py"
    if not parent and wrong in known:
        return f"there is no setting '{key}' here: {owner} has no {wrong}"
    names = [str(name) for name in node] if isinstance(node, DictConfig) else []
    valid = [parent + name for name in names if not name.startswith("_")]
    candidates = valid + (known if not parent else [])
    where = f" in '{parent[:-1]}' with {owner}" if parent else ""
    lines = [f"there is no setting '{key}' here: '{wrong}' is unknown{where}"]
    close = get_close_matches(parent + wrong, candidates, n=1)
    if close:
        lines.append(f"did you mean '{close[0]}'?")
    lines.append(f"valid: {', '.join(dict.fromkeys(candidates)) or 'none'}")
    return "\n".join(lines)


def _lacking(key: str, config_name: str, overrides: list[str]) -> DictConfig:
    """The config without ``key``: of a sweep over groups that of the first choices that have no such key."""
    cfg = None
    for chosen in islice(product(*map(_values, overrides)), FEW):
        cfg = _compose(config_name, list(chosen), whole=key.startswith("hydra."))
        if _deepest(cfg, key)[2] != key:
            return cfg
    assert cfg is not None
    return cfg


def _nested(group: str) -> list[str]:
    """The options of a group that has some in folders, which Hydra does not list; none of other groups."""
    options = list(choices(group))
    return options if any("/" in option for option in options) else []


def _sets(argument: str, key: str) -> bool:
    return argument.lstrip("+~").split("=", 1)[0] == key


def _compose(config_name: str, overrides: list[str], whole: bool) -> DictConfig:
    """The config, with Hydra's own settings where it is to be whole; else those overrides do not count."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    given = [each for each in overrides if whole or not each.startswith("hydra")]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(config_name, overrides=given, return_hydra_config=whole)


def _values(override: str) -> list[str]:
    """Of an override of a sweep one for each value; another one alone."""
    key, value = override.split("=", 1)
    is_sweep = "," in value and not value.startswith(("[", "{", "'", '"'))
    return [f"{key}={each}" for each in value.split(",")] if is_sweep else [override]


def _deepest(cfg: DictConfig, key: str) -> tuple[Any, str, str]:
    """The last node on the way to ``key`` that exists, its prefix, and the first unknown part."""
    node: Any = cfg
    prefix = ""
    for part in key.split("."):
        if not isinstance(node, DictConfig) or part not in node:
            return node, prefix, part
        node = OmegaConf.select(cfg, prefix + part)
        prefix += part + "."
    return node, prefix, key
