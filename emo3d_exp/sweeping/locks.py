"""Who works on what, among processes that share a sweep's folder.

The operating system releases a lock when its process ends, however it ends.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

GATE = ".optuna.lock"
CLAIM, WORK = ".claim.lock", ".work.lock"


def gate(sweep: Path) -> FileLock:
    """Held while trials of the study in ``sweep`` are counted, proposed or taken up."""
    return FileLock(sweep / GATE)


def claim(trial: Path) -> FileLock | None:
    """The lock of the sweep's process that answers for a trial, acquired; None where the trial is in hands:
    those of such a process, or of one that still trains although the process that started it has died.
    """
    claimed, work = _acquired(trial / CLAIM), _acquired(trial / WORK)
    if work is not None:
        work.release()
    elif claimed is not None:
        claimed.release()
    return claimed if work is not None else None


def work(trial: Path) -> FileLock | None:
    """The lock of the process that trains, acquired; None where another one trains in the folder."""
    return _acquired(trial / WORK)


def _acquired(file: Path) -> FileLock | None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock
