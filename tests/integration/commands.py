"""The scripts as a user starts them: processes of their own, offline, with a cache of the test's own.

They are forked from a server that has loaded the heavy libraries, which is most of what a short command does.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("data.rows=200", "batch_size=64", "threads=1")
LIBRARIES = [
    "torch", "torchmetrics", "pytorch_lightning", "transformers", "peft", "torchvision", "pyarrow.dataset",
    "pandas", "matplotlib.pyplot", "hydra", "rich.progress",
]  # fmt: skip
"""Not wandb, nor open_clip, which loads it: it makes a folder for temporary files as it is loaded."""
LIMIT = 300
"""Seconds that a command may take."""


def environment(cache: Path) -> dict[str, str]:
    """No hub, no W&B server; without OMP_NUM_THREADS, so that the scripts' own setting counts.

    A test that sets PYTHONPATH has its folders searched behind the repository.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WANDB", "OMP"))}
    offline = {"EMO3D_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, **offline, "PYTHONPATH": os.pathsep.join(path)}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """``python script.py …`` or, for a dotted name, ``python -m …`` in ``folder``, running."""

    def __init__(self, cache: Path, folder: Path, script: str, *arguments: str) -> None:
        self._said = Path(tempfile.mkdtemp())
        for name in ("out", "err"):  # which a process that is killed at once does not make
            (self._said / name).touch()
        self._process = server().Process(
            target=_main, args=(environment(cache), str(folder), script, arguments, str(self._said))
        )
        self._process.start()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def wait(self) -> Done:
        """Its status and what it printed; fails where it does not end."""
        self._process.join(LIMIT)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise AssertionError(f"not done within {LIMIT} s: {self._texts()}")
        return Done(self._process.exitcode, *self._texts())

    def _texts(self) -> tuple[str, str]:
        return tuple((self._said / name).read_text(encoding="utf-8") for name in ("out", "err"))


def run(cache: Path, folder: Path, script: str, *arguments: str) -> Done:
    """A :class:`Command`, and wait for it."""
    return Command(cache, folder, script, *arguments).wait()


def succeed(*arguments: object) -> str:
    """As :func:`run`; the output of a command that must end well."""
    done = run(*arguments)  # type: ignore[arg-type]
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def server() -> object:
    context = get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # which its library reads once
        forkserver.ensure_running()
    return context


def _main(variables: dict[str, str], folder: str, script: str, arguments: tuple[str, ...], said: str) -> None:
    """What the process does, which begins as a copy of the server."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # it is ignored where the tests run in the background
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for number, name in ((0, os.devnull), (1, f"{said}/out"), (2, f"{said}/err")):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.path[:1] = variables["PYTHONPATH"].split(os.pathsep)
    sys.argv = [str(ROOT / script) if script.endswith(".py") else script, *arguments]
    try:
        if script.endswith(".py"):
            runpy.run_path(sys.argv[0], run_name="__main__")
        else:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
    except Exception:  # as the interpreter does
        traceback.print_exc()
        sys.exit(1)
    finally:
        threading._shutdown()  # before what follows, as joblib's workers have it, and the interpreter
        atexit._run_exitfuncs()  # which multiprocessing leaves out
