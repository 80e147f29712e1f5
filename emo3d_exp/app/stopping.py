"""What a run that is stopped leaves behind: a word on how to go on."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from emo3d_exp.app.preemption import listen, listen_no_more, requeue
from emo3d_exp.app.resuming import is_job_of_sweep, trained_error
from emo3d_exp.runs import RunFolder

log = logging.getLogger(__name__)


class Stopped(SystemExit):
    """The process was asked to end; its status is 128 and the signal's number, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def stoppable(run: RunFolder, cfg: DictConfig) -> Iterator[None]:
    """End well on SIGTERM and Ctrl-C: trackers and files are closed, and the log says how to go on. SIGUSR1
    is a cluster's warning, see :mod:`emo3d_exp.app.preemption`.

    Where somebody else listens to a signal already, such as a launcher that queues jobs anew, they keep it.
    """
    main = threading.current_thread() is threading.main_thread()
    listening = main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if main:
        listen()
    if listening:
        signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except BaseException as error:
        by_hand = _interrupted(error)
        if by_hand or isinstance(error, SystemExit):
            log.warning(how_to_go_on(run, cfg))
        if by_hand:
            raise Stopped(signal.SIGINT) from None
        if isinstance(error, SystemExit):
            requeue()
        raise
    finally:
        if main:
            listen_no_more()
        if listening:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def how_to_go_on(run: RunFolder, cfg: DictConfig) -> str:
    """One line for the log."""
    script = sys.argv[0] or "train.py"
    if HydraConfig.initialized() and is_job_of_sweep():
        return f"stopped in {run.path}; start the sweep again with resume=true to go on"
    if trained_error(run, cfg) is not None:
        return f"stopped; the training was done, score it with: python evaluate.py run_dir={run.path}"
    where = "from its last checkpoint" if run.last_checkpoint.is_file() else "from the start"
    return f"stopped; go on {where} with: python {script} run_dir={run.path} resume=true"


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: Lightning makes an exit with status 1 of it, torch a RuntimeError where it
    was writing a file."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(number)
