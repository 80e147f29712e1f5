"""A training that a cluster warns (SIGUSR1) ends with its epoch, and is put into the queue again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hydra.core.hydra_config import HydraConfig

from emo3d_exp.app.ranks import outer_rank
from emo3d_exp.app.resuming import is_job_of_sweep

log = logging.getLogger(__name__)


class Warned:
    """Whether SIGUSR1 has come to this process."""

    def __init__(self) -> None:
        self.yes = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.yes = True


warned = Warned()


def listen() -> None:
    """Take SIGUSR1 as a warning, unless somebody else listens, such as a launcher that queues jobs anew."""
    warned.yes = False
    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, warned)


def listen_no_more() -> None:
    """The opposite of :func:`listen`."""
    if signal.getsignal(signal.SIGUSR1) is warned:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)


@contextmanager
def listening() -> Iterator[None]:
    """From :func:`listen` to :func:`listen_no_more`, for a process that helps the first one."""
    listen()
    try:
        yield
    finally:
        listen_no_more()


def begun_again() -> bool:
    """SLURM has started this job before."""
    return int(os.environ.get("SLURM_RESTART_COUNT", 0)) > 0


def requeue() -> None:
    """Put a job of SLURM's that was warned into the queue again, where it will go on by itself."""
    job = job_id()
    if not warned.yes or job is None or outer_rank():
        return
    if not HydraConfig.initialized() or is_job_of_sweep():
        return
    if not any(override.startswith("run_dir=") for override in HydraConfig.get().overrides.task):
        log.warning("not put into the queue again: only with run_dir=… would it find its folder")
        return
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60)
        reason = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    if reason:
        log.warning("job %s could not be put into the queue again: %s", job, reason)
    else:
        log.info("job %s is in the queue again and will go on by itself", job)


def job_id() -> str | None:
    """SLURM's number of this job, with the task's in an array; None outside of SLURM."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")
