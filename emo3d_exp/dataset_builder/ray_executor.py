"""Rows of a stage by Ray Data's actors, on this machine or on a cluster."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from emo3d_exp.dataset_builder.executors import (
    AHEAD,
    check_processes,
    close_stage,
    one_thread_each,
    workers_for,
)
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.errors import ConfigError, Emo3DError

CLOSING_SECONDS, PROBE_SECONDS = 5.0, 5.0
WAITING_BYTES = 128 << 20
"""Of results that wait in Ray's object store, for each actor; no more are computed until they are fetched."""


class RayExecutor:
    """Ray Data over actors that each hold a copy of the stage. A stage that is to have 1 process runs in this
    one.

    Blocks of rows go in, which name the pictures that they need but do not hold them, and come out in order.
    Nothing is sent to Ray's makers, and a Ray that is started here listens on 127.0.0.1 alone and ends with
    the stage. On a cluster, every machine needs this package, and the build's folder under the same path.

    Args:
        processes: actors for stages whose work can be shared (those whose own number is not 1), each with a
            core of its own; None for what each stage says, on a cluster for all its cores.
        address: of a running cluster, such as ``auto`` or ``10.0.0.1:6379``; None starts Ray here.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, processes: int | None = None, address: str | None = None) -> None:
        self.processes, self.address = check_processes(processes), address

    def map(self, stage: Stage, blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
        """``stage.process`` of every block, in order.

        Raises:
            Emo3DError: an actor died, or what the stage itself raised.
        """
        if stage.processes == 1 or not blocks:
            try:
                yield from map(stage.process, blocks)
            finally:
                close_stage(stage)
            return
        with _connected(self.address, workers_for(stage, self.processes, len(blocks))) as ray:
            free = _free_cores(ray)
            try:
                yield from _computed(stage, self._actors(ray, stage, len(blocks)), blocks)
            finally:
                _wait_until(ray, free)

    def _actors(self, ray: Any, stage: Stage, blocks: int) -> int:
        """How many: on a cluster as many as it has cores, where no fewer are asked for."""
        if self.address is None:
            return workers_for(stage, self.processes, blocks)
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return workers_for(stage, min(self.processes or cores, cores), blocks)


class _Worker:
    """One copy of a stage, in a process of Ray's. What it raises travels as a value: Ray adds to messages."""

    def __init__(self, stage: Stage) -> None:
        import ray

        self.stage = stage
        # Ray makes an actor that died again, and gives it the same block, over and over.
        self.died = ray.get_runtime_context().was_current_actor_reconstructed

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"rows": [pickle.dumps(self._made(block)) for block in batch["rows"]]}

    def _made(self, block: bytes) -> list[Row] | Emo3DError:
        if self.died:
            return Emo3DError(f"a Ray actor of stage {self.stage.name} died; run again to go on")
        try:
            return self.stage.process(pickle.loads(block))
        except Emo3DError as error:
            return error

    def __del__(self) -> None:
        close_stage(self.stage)


def _computed(stage: Stage, actors: int, blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
    """Results in order, which Ray Data holds back until they are fetched."""
    from ray import data

    rows = [{"rows": pickle.dumps(block)} for block in blocks]
    pool = data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=AHEAD)
    with data.DataContext.current(_settings(data, actors)):
        given = data.from_items(rows, override_num_blocks=len(rows))
        made = given.map_batches(
            _Worker, fn_constructor_args=(stage,), batch_size=1, num_cpus=1, compute=pool
        )
        with closing(iter(made.iter_rows())) as results:
            for row in results:
                result = pickle.loads(row["rows"])
                if isinstance(result, Emo3DError):
                    raise result
                yield result


def _free_cores(ray: Any) -> float:
    return ray.available_resources().get("CPU", 0.0)


def _wait_until(ray: Any, free: float) -> None:
    """Wait for actors that close what they opened: Ray's end would kill them."""
    deadline = time.monotonic() + CLOSING_SECONDS
    while _free_cores(ray) < free and time.monotonic() < deadline:
        time.sleep(0.05)


def _settings(data: Any, actors: int) -> Any:
    """Results in order and bounded, and nothing said beside our own progress."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    settings = data.DataContext.get_current().copy()
    options = settings.execution_options
    options.preserve_order = True
    options.resource_limits = options.resource_limits.copy(object_store_memory=actors * WAITING_BYTES)
    settings.enable_progress_bars = settings.enable_operator_progress_bars = False
    settings.print_on_execution_start = False
    return settings


@contextmanager
def _connected(address: str | None, workers: int) -> Iterator[Any]:
    """The module of a Ray that runs; one that was not running before is left again."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Else Ray warns of every actor of Ray Data's that it could not always make it again.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is None:
        # Whatever the name says, it is what makes Ray stay on 127.0.0.1 instead of the machine's own address.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # Else Ray hides the accelerators from actors that ask for none; a stage chooses its device itself.
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "executor=ray: Ray is not installed; pip install 'emo3d_exp[ray]', or executor=local"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    if address is None:  # for one that was imported before: it read the variable then
        from ray._private import ray_constants

        ray_constants.ENABLE_RAY_CLUSTER = False
    with one_thread_each(), _importable(), _unsaid():
        _start(ray, address, workers)
    try:
        yield ray
    finally:
        ray.shutdown()


def _start(ray: Any, address: str | None, workers: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            **quiet,
        )
        return
    try:
        _probe(address)
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"executor.address={address}: no Ray cluster answers there ({error}); start one with ray start "
            "--head, or leave executor.address=null"
        ) from error


@contextmanager
def _unsaid() -> Iterator[None]:
    """Without standard error, where a library says that it has read the level of its log."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _probe(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        with socket.create_connection((host, int(port)), timeout=PROBE_SECONDS):
            pass


@contextmanager
def _importable() -> Iterator[None]:
    """Processes that Ray starts on this machine find the modules that this one finds."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = before
