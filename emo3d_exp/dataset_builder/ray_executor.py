"""Rows of a stage by Ray actors, on this machine or on a cluster."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from emo3d_exp.dataset_builder.executors import (
    AHEAD,
    check_processes,
    close_stage,
    in_order,
    one_thread_each,
    workers_for,
)
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.errors import ConfigError, Emo3DError

CLOSING_SECONDS, PROBE_SECONDS = 10.0, 5.0


class RayExecutor:
    """Actors that each hold a copy of the stage. A stage that is to have 1 process runs in this one.

    Nothing is sent to Ray's makers, and a Ray that is started here listens on 127.0.0.1 alone and ends with
    the stage. On a cluster, every machine needs this package, and the build's folder under the same path.

    Args:
        processes: actors for stages whose work can be shared (those whose own number is not 1), each with a
            core of its own; None for what each stage says.
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
        workers = workers_for(stage, self.processes, len(blocks))
        if (workers == 1 and stage.processes == 1) or not blocks:
            try:
                yield from map(stage.process, blocks)
            finally:
                close_stage(stage)
            return
        with _connected(self.address, workers) as ray:
            actors = [ray.remote(num_cpus=1)(_Worker).remote(stage) for _ in range(workers)]
            try:
                yield from _computed(ray, stage, actors, blocks)
            finally:
                _close(ray, actors)


class _Worker:
    """One copy of a stage, in a process of Ray's."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def process(self, rows: list[Row]) -> list[Row]:
        return self.stage.process(rows)

    def close(self) -> None:
        close_stage(self.stage)


def _computed(ray: Any, stage: Stage, actors: list[Any], blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
    submitted = iter(range(len(blocks)))

    def submit(block: list[Row]) -> Any:
        return actors[next(submitted) % len(actors)].process.remote(block)

    try:
        yield from in_order(blocks, submit, ray.get, AHEAD * len(actors))
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Emo3DError) else error) from None
    except ray.exceptions.RayActorError as error:
        raise Emo3DError(f"a Ray actor of stage {stage.name} died: {error}; run again to go on") from error


def _close(ray: Any, actors: list[Any]) -> None:
    ray.wait([actor.close.remote() for actor in actors], num_returns=len(actors), timeout=CLOSING_SECONDS)
    for actor in actors:
        ray.kill(actor)


@contextmanager
def _connected(address: str | None, workers: int) -> Iterator[Any]:
    """The module of a Ray that runs; one that was not running before is left again."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
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
    with one_thread_each(), _importable():
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
