"""What of a run lies on disk alone, and how it gets to its page."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

MARK = "upload-incomplete"
"""In the folder of an online run whose upload has not come to its end."""


def part_moment(file: Path) -> str:
    """When a part was begun, by the name of its folder: ``20260131_120000.0001`` for the second one of that
    second; empty for other names."""
    run_id = re.escape(file.stem.removeprefix("run-"))
    found = re.search(rf"run-(\d+_\d+)-{run_id}(?:-(\d+))?$", file.parent.name)
    return f"{found.group(1)}.{int(found.group(2) or 0):04d}" if found else ""


def is_online(file: Path) -> bool:
    """Whether the part was sent while it was written."""
    return not file.parent.name.startswith("offline-")


def upload_mark(file: Path) -> Path:
    """W&B's mark beside a part; what has one is skipped by W&B."""
    return file.with_name(f"{file.name}.synced")


def mark_uploaded(file: Path, size: int) -> None:
    """Mark a part as uploaded up to ``size`` bytes."""
    upload_mark(file).write_text(str(size), encoding="ascii")


def is_uploaded(file: Path) -> bool:
    """Whether a mark beside the part says so, and the part has not grown since.

    W&B's own mark is empty and counts as it is: times of files do not tell, since copies have new ones.
    """
    try:
        size = upload_mark(file).read_text(encoding="utf-8", errors="replace")
        return not size.isdecimal() or file.stat().st_size <= int(size)
    except OSError:
        return False


def is_waiting(file: Path) -> bool:
    """Whether the part has to be uploaded: offline and not there, or online with our mark."""
    return not is_uploaded(file) and (not is_online(file) or file.with_name(MARK).exists())


def mark_incomplete(folder: Path) -> None:
    """Note that an online run was not uploaded to its end, for ``python -m emo3d_exp.sync``."""
    try:
        (folder / MARK).touch()
    except OSError as error:
        log.warning("W&B: %s cannot be marked as not uploaded (%s).", folder, error)


def upload_failed(folder: Path) -> bool:
    """Whether W&B's own log of an online run tells of something that it could not send.

    It says nothing of it where the run is closed: a key that is withdrawn midway passes for a success.
    """
    try:
        lines = (folder / "logs" / "debug-internal.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return '"level":"ERROR' in lines


def upload_command(parts: Iterable[Path]) -> str | None:
    """The shell command that uploads these ``.wandb`` files, the oldest first; None for none."""
    ordered = sorted(parts, key=part_moment)
    options = " --include-online" if any(map(is_online, ordered)) else ""
    options += " --include-synced" if any(upload_mark(part).exists() for part in ordered) else ""
    paths = " ".join(shlex.quote(str(part.parent)) for part in ordered)
    return f"wandb sync{options} {paths}" if paths else None
