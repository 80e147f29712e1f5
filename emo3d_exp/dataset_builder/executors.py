"""Where the rows of a stage are computed."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any

from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.errors import ConfigError, Emo3DError

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


AHEAD = 2
"""Blocks that wait or are computed at a time, for each worker: results of all others stay uncomputed."""


def workers_for(stage: Stage, processes: int | None, blocks: int) -> int:
    """How many share a stage's work: no more than there are blocks, and 1 where the stage says 1.

    Args:
        processes: replaces the number of a stage whose work can be shared; None leaves it.
    """
    wanted = stage.processes if processes is None or stage.processes == 1 else processes
    return max(1, min(wanted, blocks))


def check_processes(processes: int | None) -> int | None:
    """Raise ConfigError for a number of processes that cannot be."""
    if processes is not None and processes < 1:
        raise ConfigError(f"executor.processes={processes} must be at least 1, or null for what stages say")
    return processes


def in_order(
    blocks: Iterable[list[Row]],
    submit: Callable[[list[Row]], Any],
    fetch: Callable[[Any], list[Row]],
    most: int,
) -> Iterator[list[Row]]:
    """Results of blocks in order, of which at most ``most`` are under way at a time."""
    waiting: deque[Any] = deque()
    for block in blocks:
        waiting.append(submit(block))
        if len(waiting) >= most:
            yield fetch(waiting.popleft())
    while waiting:
        yield fetch(waiting.popleft())


def close_stage(stage: Stage) -> None:
    """Let a stage give back what it opened, where it has a ``close()``."""
    close = getattr(stage, "close", None)
    if close is not None:
        close()


class LocalExecutor:
    """Processes of this machine: spawned ones, or this one where a stage is to have 1.

    Args:
        processes: for stages whose work can be shared (those whose own number is not 1); None for what each
            stage says.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.processes = check_processes(processes)

    def map(self, stage: Stage, blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
        """``stage.process`` of every block, in order.

        Raises:
            Emo3DError: a process died.
        """
        workers = workers_for(stage, self.processes, len(blocks))
        if workers == 1:
            try:
                yield from map(stage.process, blocks)
            finally:
                close_stage(stage)
            return
        context = multiprocessing.get_context("spawn")
        with (
            one_thread_each(),
            ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(stage,)) as pool,
        ):
            try:
                yield from in_order(blocks, partial(pool.submit, _work), _result, AHEAD * workers)
            except BrokenProcessPool as error:
                raise Emo3DError(
                    f"a process of stage {stage.name} died. A script of your own needs "
                    'if __name__ == "__main__": around its calls; otherwise try a single one, '
                    "executor.processes=1 or data.processes=1"
                ) from error
            finally:
                # Waits for the blocks under way, and until workers have closed what they opened.
                pool.shutdown(cancel_futures=True)


def _result(future: Future[list[Row]]) -> list[Row]:
    return future.result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Spawned processes inherit one numeric thread each: they already fill the cores."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_stage: Stage | None = None


def _begin(stage: Stage) -> None:
    global _stage
    _stage = stage
    atexit.register(close_stage, stage)
    # A pool's worker does not notice that its parent was killed, and would wait for work for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(rows: list[Row]) -> list[Row]:
    assert _stage is not None
    return _stage.process(rows)
