"""What a process does that helps another one train: its part of every batch, and nothing else.

Importing this module imports no torch: the process sets its rank before.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from pathlib import Path
from typing import Any


def take_part(
    cfg: dict[str, Any], run: str, seat: tuple[int, int, int], resume_from: str | None, ready: Any
) -> None:
    """The whole life of a process that the main one has started.

    Args:
        cfg: the run's config, resolved. run: its folder, which this process reads alone.
        seat: rank from 1, number of processes, port where the main one listens.
        ready: semaphore, released when this process waits for the others.
    """
    os.environ["LOCAL_RANK"] = str(seat[0])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the main process too, which ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_main_process, daemon=True).start()
    from omegaconf import OmegaConf

    from emo3d_exp.app.processes import Seat

    config = OmegaConf.create(cfg)
    OmegaConf.set_struct(config, True)
    join(run, config, Seat(*seat), resume_from, ready)


def join(run: str, cfg: Any, seat: Any, resume_from: str | None, ready: Any = None) -> None:
    """Train along with the others, from ``seat``."""
    from emo3d_exp.app.assemble import check_trainer, set_threads
    from emo3d_exp.app.fitting import fit_along
    from emo3d_exp.app.quiet import quiet_libraries
    from emo3d_exp.runs import RunFolder

    quiet_libraries()
    set_threads(cfg.threads, seat.local_count)
    check_trainer(cfg)
    start = None if resume_from is None else Path(resume_from)
    fit_along(RunFolder(run), cfg, seat, start, (lambda: None) if ready is None else ready.release)


def _end_with_the_main_process() -> None:
    main = parent_process()
    if main is not None:
        main.join()
        os._exit(1)
