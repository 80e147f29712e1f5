"""The scripts as a user starts them: processes of their own, offline, with a cache of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("data.rows=300", "batch_size=64", "threads=1")


def environment(cache: Path) -> dict[str, str]:
    """No hub, no W&B server; without OMP_NUM_THREADS, so that the scripts' own setting counts."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WANDB", "OMP"))}
    offline = {"EMO3D_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}
    return {**kept, **offline, "PYTHONPATH": str(ROOT)}


def run(cache: Path, folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python script.py …`` or, for a dotted name, ``python -m …`` in ``folder``."""
    target = [str(ROOT / script)] if script.endswith(".py") else ["-m", script]
    return subprocess.run(
        [sys.executable, *target, *arguments],
        cwd=folder,
        env=environment(cache),
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


def succeed(*arguments: object) -> str:
    """As :func:`run`; the output of a command that must end well."""
    done = run(*arguments)  # type: ignore[arg-type]
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr
