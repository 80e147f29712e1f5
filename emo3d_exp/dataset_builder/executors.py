"""Where the rows of a stage are computed."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.errors import Emo3DError

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalExecutor:
    """Processes of this machine: ``stage.processes`` spawned ones, or this one where that is 1."""

    def map(self, stage: Stage, blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
        """``stage.process`` of every block, in order.

        Raises:
            Emo3DError: a process died.
        """
        processes = min(stage.processes, len(blocks))
        if processes <= 1:
            yield from map(stage.process, blocks)
            return
        context = multiprocessing.get_context("spawn")
        with (
            _one_thread_each(),
            ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(stage,)) as pool,
        ):
            try:
                yield from pool.map(_work, blocks)
            except BrokenProcessPool as error:
                raise Emo3DError(
                    f"a process of stage {stage.name} died. A script of your own needs "
                    'if __name__ == "__main__": around its calls; otherwise try data.processes=1'
                ) from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
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
