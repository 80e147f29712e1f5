"""What W&B files held when they were last read, so that a second look at the same runs is quick."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from emo3d_exp.comparison.wandb_file import WandbRun, read_wandb_file
from emo3d_exp.runs import cache_root, write_atomically

log = logging.getLogger(__name__)

VERSION = 1
"""Of what is kept: another one makes old entries unread."""


def cached_wandb_file(path: Path) -> WandbRun:
    """:func:`read_wandb_file`, or what it gave before where path, time of change and size are the same.

    Raises:
        DataError: as :func:`read_wandb_file`.
    """
    try:
        told = path.stat()
    except OSError:
        return read_wandb_file(path)
    stamp = [VERSION, str(path.resolve()), told.st_mtime_ns, told.st_size]
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    entry = cache_root() / "compare" / f"{name}.json"
    if (known := _known(entry, stamp)) is not None:
        return known
    found = read_wandb_file(path)
    try:
        with write_atomically(entry) as partial:
            partial.write_text(json.dumps({"stamp": stamp, "run": vars(found)}), encoding="utf-8")
    except OSError as error:
        log.debug("%s is not kept: %s", entry, error)
    return found


def _known(entry: Path, stamp: list[object]) -> WandbRun | None:
    """An entry that belongs to the file as it is; None where there is none, or a damaged one."""
    try:
        kept = json.loads(entry.read_text(encoding="utf-8"))
        run = WandbRun(**kept["run"]) if kept["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if run is not None:
        run.history = {name: [(e, v) for e, v in points] for name, points in run.history.items()}
    return run
