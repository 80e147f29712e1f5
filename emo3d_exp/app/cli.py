"""The command line of the scripts: Hydra, with errors that name the key and the valid ones."""

from __future__ import annotations

import errno
import functools
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emo3d_exp.app.choices import CONF, SWEEPS, choices, groups, register_listing
from emo3d_exp.app.plugins import admit_plugins, told_of_plugin
from emo3d_exp.app.ranks import one_folder_for_all, swept_once
from emo3d_exp.app.sweeping import end_sweep
from emo3d_exp.errors import Emo3DError
from emo3d_exp.sweeping import admit_sweeper

PACKAGE = Path(__file__).resolve().parents[1]

Task = Callable[[DictConfig], Any]


class _SweepFiles(SearchPathPlugin):
    """Lets ``sweep=NAME`` find its file from any folder."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append("emo3d_exp", f"file://{SWEEPS}")


def script(config_name: str) -> Callable[[Task], Callable[[], None]]:
    """Decorator: make a task a Hydra application over ``conf/<config_name>.yaml``.

    It works from any folder. Errors meant for the user are printed without a traceback, and the script
    exits with 2; any other error keeps its traceback.
    """

    def decorate(task: Task) -> Callable[[], None]:
        application = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(task)

        @functools.wraps(task)
        def run() -> None:
            os.environ["HYDRA_FULL_ERROR"] = "1"
            Plugins.instance().register(_SweepFiles)
            admit_sweeper()
            register_listing()
            sys.argv[1:] = one_folder_for_all(config_name, with_less_swept(sys.argv[1:]))
            stopped = True
            try:
                admit_plugins(swept_once(config_name, sys.argv[1:]), own=(CONF, SWEEPS))
                application()
                stopped = False
            except BrokenPipeError:  # the reader of our output has left: `… --help | head`
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except Exception as error:
                told = told_to_user(error, config_name, sys.argv[1:])
                if told is None:
                    raise
                sys.stderr.write(f"error: {told}\n")
                sys.exit(2)
            except KeyboardInterrupt:
                sys.exit(128 + signal.SIGINT)
            finally:
                well = end_sweep(stopped)
            if not well:
                sys.exit(1)

        return run

    return decorate


def with_less_swept(arguments: list[str]) -> list[str]:
    """The arguments; where a sweep file goes through what they give too, that part of the file is deleted,
    which Hydra would multiply: ``sweep=benchmark seed=1`` is the benchmark of one seed.
    """
    given = [argument.split("=", 1) for argument in arguments if "=" in argument]
    name = next((value for key, value in given if key == "sweep"), None)
    file = SWEEPS / "sweep" / f"{name}.yaml"
    if not file.is_file():
        return arguments
    swept = OmegaConf.select(OmegaConf.load(file), "hydra.sweeper.params") or {}
    less = [f"~hydra.sweeper.params.{key}" for key, _ in given if key in swept and "." not in key]
    behind = arguments.index(f"sweep={name}") + 1  # the parser wants overrides to stand together
    return [*arguments[:behind], *less, *arguments[behind:]]


def told_to_user(error: Exception, config_name: str, arguments: list[str]) -> str | None:
    """The message without a traceback for errors that the user can mend; None for all others.

    ``instantiate`` wraps what a constructor raises, so the causes count too.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Emo3DError):
            return str(cause)
        cause = cause.__cause__
    if told := told_of_plugin(error):
        return told
    if isinstance(error, HydraException | OmegaConfBaseException):
        return explain(error, config_name, arguments)
    if (full := _no_space(error)) is not None:
        return (
            f"the disk is full ({full}). Everything written before is whole: make room and give the same "
            "command again, for a run that was begun with resume=true"
        )
    if isinstance(error, OSError) and _before_the_task(error):
        return f"cannot write to the run folder: {error}. Choose another run_dir=…"
    return None


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
    return not any(f.is_relative_to(PACKAGE) and f != Path(__file__).resolve() for f in files)


def explain(error: Exception, config_name: str, arguments: list[str]) -> str:
    """Hydra's message, and for an unknown key the ones that are valid beside it."""
    text = str(error)
    if error.__cause__ is not None and str(error.__cause__) not in text:
        text += f"\n{error.__cause__}"
    missing = re.search(r"Could not find '([^/']+)/([^']+)'", text)
    if missing is not None and (nested := _nested(missing.group(1))):
        return f"there is no {'='.join(missing.groups())}; there are: {', '.join(nested)}"
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown is None:
        return text
    return _explain_key(unknown.group(1), config_name, arguments)


def _explain_key(key: str, config_name: str, arguments: list[str]) -> str:
    overrides = [a for a in arguments if "=" in a and not a.startswith(("-", "hydra")) and not _sets(a, key)]
    group, _, folder = key.partition("/")
    if nested := [option for option in _nested(group) if option.startswith(f"{folder}/")]:
        return f"'{key}' is no setting: write {' or '.join(f'{group}={option}' for option in nested)}"
    known = groups()
    try:
        cfg = _compose(config_name, overrides)
    except Exception:
        return f"there is no setting '{key}'"
    node, parent, wrong = _deepest(cfg, key)
    if not parent and wrong in known:
        owner = f"model={cfg.model.name}" if "model" in cfg else f"{config_name}.py"
        return f"there is no setting '{key}' here: {owner} has no {wrong}"
    names = [str(name) for name in node] if isinstance(node, DictConfig) else []
    valid = [parent + name for name in names if not name.startswith("_")]
    candidates = valid + (known if not parent else [])
    lines = [
        f"there is no setting '{key}' here: '{wrong}' is unknown" + (f" in '{parent[:-1]}'" if parent else "")
    ]
    close = get_close_matches(parent + wrong, candidates, n=1)
    if close:
        lines.append(f"did you mean '{close[0]}'?")
    lines.append(f"valid: {', '.join(dict.fromkeys(candidates)) or 'none'}")
    return "\n".join(lines)


def _nested(group: str) -> list[str]:
    """The options of a group that has some in folders, which Hydra does not list; none of other groups."""
    options = list(choices(group))
    return options if any("/" in option for option in options) else []


def _sets(argument: str, key: str) -> bool:
    return argument.lstrip("+~").split("=", 1)[0] == key


def _compose(config_name: str, overrides: list[str]) -> DictConfig:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(config_name, overrides=[_first_value(o) for o in overrides])


def _first_value(override: str) -> str:
    """One job of a sweep stands for all when only the keys matter."""
    key, value = override.split("=", 1)
    is_sweep = "," in value and not value.startswith(("[", "{", "'", '"'))
    return f"{key}={value.split(',')[0]}" if is_sweep else override


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
