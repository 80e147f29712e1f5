"""Uploading what runs have tracked offline: ``python -m emo3d_exp.sync``."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emo3d_exp.comparison.wandb_file import HEADER, read_wandb_file
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.tracking.wandb_faults import cure
from emo3d_exp.tracking.wandb_parts import (
    MARK,
    is_online,
    is_uploaded,
    is_waiting,
    mark_uploaded,
    part_moment,
    upload_mark,
)

AT_ONCE = 20
"""Runs that one process of W&B uploads."""
STILL_WRITTEN_S = 600
"""A part without an end that was written to so shortly ago may belong to a run that goes on."""
CUT_SHORT = "incomplete record"
"""What W&B says of a file whose writer was killed; all before that it has uploaded."""


@dataclass
class Waiting:
    """What is to be uploaded below some folders.

    Attributes:
        runs: the ``.wandb`` files of each run (of each id in each folder), the oldest first.
        uploaded: parts that are there already. left: lines that say what is left alone and why.
    """

    runs: list[list[Path]]
    uploaded: int
    left: list[str]


def find_waiting(patterns: Sequence[str], now: float) -> Waiting:
    """Look through folders, and what patterns match, at any depth.

    Args:
        now: seconds since 1970.

    Raises:
        ConfigError: a pattern matches nothing.
    """
    files: dict[Path, None] = {}
    for pattern in patterns:
        pattern = pattern.removesuffix("/").removesuffix("/**")  # all below is looked through anyway
        roots = [Path(path) for path in glob.glob(os.path.expanduser(pattern), recursive=True)]
        if not roots:
            raise ConfigError(f"{pattern}: there is no such folder")
        files |= {file: None for root in sorted(roots) for file in _files(root)}
    runs: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        runs.setdefault((file.parent.parent, file.stem), []).append(file)
    found, written = Waiting([], 0, []), open_files()
    for parts in runs.values():
        if ready := _ready(sorted(parts, key=part_moment), now, written, found):
            found.runs.append(ready)
    return found


def _ready(parts: Sequence[Path], now: float, written: Collection[str], found: Waiting) -> list[Path]:
    """Those parts of a run that are to be uploaded now; what becomes of the others goes into ``found``."""
    ready = []
    for part in parts:
        if is_uploaded(part):
            found.uploaded += 1
        elif is_waiting(part) or not _has_end(part):
            # one process at a time trains in a run folder: what another has followed is over
            over = part != parts[-1] and str(part) not in written
            if why := _why_left(part, now, written, over):
                found.left.append(f"{part.parent}: {why}")
            else:
                ready.append(part)
    return ready


def _files(root: Path) -> Iterator[Path]:
    """The ``run-<id>.wandb`` files below a folder, each by its true path."""
    real = root.resolve()
    if real.suffix == ".wandb":
        yield real
    elif real.is_dir():
        yield from sorted(file for file in real.rglob("run-*.wandb") if not file.parent.is_symlink())


def _has_end(file: Path) -> bool:
    """Whether the writer closed it; a file that cannot be read has none."""
    try:
        return read_wandb_file(file).exit_code is not None
    except DataError:
        return False


def _why_left(file: Path, now: float, written: Collection[str], over: bool) -> str:
    """Why a part is not to be uploaded now; empty where it is. over: its run has gone on in another part."""
    if not over and still_written(file, now, written):
        return "a training may still write it; give this again later"
    if file.stat().st_size <= HEADER:
        return "nothing is in it: its run was killed before W&B wrote anything, or has just begun elsewhere"
    return ""


def still_written(file: Path, now: float, written: Collection[str] = ()) -> bool:
    """Whether a run may go on: its part has no end, and is one of ``written`` or was changed minutes ago.

    One that seems to come from the future was written before the clock was set back.
    """
    quiet = abs(now - file.stat().st_mtime) >= STILL_WRITTEN_S
    return (str(file) in written or not quiet) and not _has_end(file)


def open_files() -> set[str]:
    """Parts that a program on this machine has open, as W&B has for hours in which nothing is logged.

    Only Linux tells, and of other people's programs it does not.
    """
    found = set[str]()
    for opened in glob.iglob("/proc/[0-9]*/fd/*"):
        with suppress(OSError):
            found.add(os.readlink(opened))
    return {path for path in found if path.endswith(".wandb")}


def upload(runs: Sequence[Sequence[Path]], limit_s: float) -> Iterator[tuple[Path, str]]:
    """Upload runs by W&B's own command; yields each part that is not there afterwards, and why.

    W&B ends with 0 whatever happens, so its marks beside the parts count; and it tries a silent server for
    ever, so a process that marks nothing for ``limit_s`` seconds is ended. Killed at any time, it goes on
    with the parts that have no mark.
    """
    for first in range(0, len(runs), AT_ONCE):
        some = runs[first : first + AT_ONCE]
        parts = [part for run in some for part in run]
        sizes = [part.stat().st_size for part in parts]
        for part in parts:
            if not is_uploaded(part):
                upload_mark(part).unlink(missing_ok=True)  # W&B would skip what has grown since
        said = _upload(parts, limit_s)
        for part, size in zip(parts, sizes, strict=True):
            if CUT_SHORT in _of_part(said, part) or is_uploaded(part):
                mark_uploaded(part, size)  # by then: a training elsewhere may go on after a long silence
                part.with_name(MARK).unlink(missing_ok=True)
            else:
                yield part, _reason(said, part)


def _upload(parts: Sequence[Path], limit_s: float) -> str:
    online = ["--include-online"] if any(map(is_online, parts)) else []
    command = [sys.executable, "-m", "wandb", "sync", *online, *(str(part) for part in parts)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={"WANDB_ERROR_REPORTING": "false", **os.environ}, start_new_session=True,
    )  # fmt: skip
    done, since = 0, time.monotonic()
    try:
        while True:
            try:
                return process.communicate(timeout=1.0)[0]
            except subprocess.TimeoutExpired:
                if (now_done := sum(map(is_uploaded, parts))) > done:
                    done, since = now_done, time.monotonic()
            if time.monotonic() - since > limit_s:
                _end(process)
                return f"{process.communicate()[0]}\nERROR no answer within {limit_s:g} s (timeout)"
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End W&B's command and the service that it has started, which would go on by itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _of_part(said: str, part: Path) -> str:
    lines = [line for line in said.splitlines() if "ERROR" in line]
    return " ".join(line for line in lines if part.parent.name in line)


def _reason(said: str, part: Path) -> str:
    """What W&B said of this part or its run, else its last error, and what helps."""
    run_id = part.stem.removeprefix("run-")
    lines = [line for line in said.splitlines() if "error" in line.lower()]
    of_run = [line for line in lines if run_id in line] or lines[-1:] or ["W&B does not say why"]
    told = of_run[0].removeprefix("wandb: ").removeprefix("ERROR ").removeprefix("Error: ")
    return f"{told[:300]}; {cure(told)}"
