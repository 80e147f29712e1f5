"""A run folder is one process's at a time, and nobody's where its settings were refused."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from omegaconf import DictConfig

from emo3d_exp.app.explaining import is_refused
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder
from emo3d_exp.sweeping import trial_of
from emo3d_exp.sweeping.locks import work

log = logging.getLogger(__name__)


@contextmanager
def held(run: RunFolder) -> Iterator[None]:
    """Hold the folder's lock, which the system releases when the process ends, however it ends.

    Raises:
        ConfigError: another process trains there, or the folder cannot be written to.
    """
    if trial_of(run.path) is not None:  # whose search holds it already
        yield
        return
    try:
        lock = work(run.path)
    except NotImplementedError:
        log.warning("%s: this file system has no locks; do not start two trainings in one folder", run.path)
        yield
        return
    except OSError as error:
        raise ConfigError(
            f"cannot write to the run folder {run.path}: {error}. Choose another run_dir=…"
        ) from error
    if lock is None:
        raise ConfigError(f"{run.path}: another process trains there; wait for it, or give another run_dir")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def begun(run: RunFolder, cfg: DictConfig) -> Iterator[None]:
    """Make the folder a run. Where it turns out that its settings, data or weights cannot work, before an
    epoch was kept, it is none again: the same folder may be given once they are mended.

    Raises:
        ConfigError: the folder already holds a run, or cannot be written to.
    """
    run.create(cfg)
    try:
        yield
    except Exception as error:
        if is_refused(error) and not run.last_checkpoint.is_file() and not run.weights_file.is_file():
            run.config_file.unlink(missing_ok=True)
            run.tracking_file.unlink(missing_ok=True)  # the next one there gets a page of its own
        raise
