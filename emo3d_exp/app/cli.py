"""The command line of the scripts: Hydra, with errors that name the key and the valid ones."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.choices import CONF, SWEEPS, register_listing
from emo3d_exp.app.explaining import told_to_user
from emo3d_exp.app.plain_values import check_swept_values
from emo3d_exp.app.plugins import admit_plugins
from emo3d_exp.app.ranks import one_folder_for_all, swept_once
from emo3d_exp.app.sweeping import end_sweep
from emo3d_exp.sweeping import admit_sweepers

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
            _prepare_hydra()
            sys.argv[1:] = one_folder_for_all(config_name, with_less_swept(sys.argv[1:]))
            stopped, refused = True, False
            try:
                check_swept_values(sys.argv[1:])
                admit_plugins(swept_once(config_name, sys.argv[1:]), own=(CONF, SWEEPS))
                application()
                stopped = False
            except BrokenPipeError:  # the reader of our output has left: `… --help | head`
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except Exception as error:
                if (told := told_to_user(error, config_name, sys.argv[1:])) is None:
                    raise
                refused = True
                sys.stderr.write(f"error: {told}\n")
                sys.exit(2)
            except KeyboardInterrupt:
                sys.exit(128 + signal.SIGINT)
            finally:
                well = end_sweep(stopped, refused)
            if not well:
                sys.exit(1)

        return run

    return decorate


def _prepare_hydra() -> None:
    os.environ["HYDRA_FULL_ERROR"] = "1"
    Plugins.instance().register(_SweepFiles)
    admit_sweepers()
    register_listing()


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
