"""Several processes that train one model together, each on its part of every batch."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.environments import LightningEnvironment
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Trainer
from pytorch_lightning.plugins.environments import SLURMEnvironment
from pytorch_lightning.strategies import FSDPStrategy, ParallelStrategy

from emo3d_exp.app.joining import take_part
from emo3d_exp.app.ranks import outer_count, outer_rank
from emo3d_exp.data.dealing import Dealing
from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder

log = logging.getLogger(__name__)
GRACE_SECONDS = 30
"""In which the main process closes its files when another one has failed."""
START = "spawn"
"""How processes are started: a forked one could not use the GPU that its parent has used."""


class Joined(LightningEnvironment):
    """Tells Lightning who this process is among those that were started here."""

    def __init__(self, rank: int, port: int) -> None:
        super().__init__()
        self._rank, self._port = rank, port

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self._port

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0


@dataclass(frozen=True)
class Seat:
    """A process's place among those that train together.

    Attributes:
        rank: from 0. count: of them. port: where the first one listens; None where srun or torchrun has
            started them, or where there is one.
    """

    rank: int = 0
    count: int = 1
    port: int | None = None

    @property
    def local_count(self) -> int:
        """Processes on this machine, as far as is known."""
        local = os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("SLURM_NTASKS_PER_NODE") or self.count
        return self.count if self.port is not None else min(int(local), self.count)

    def plugins(self) -> list[Any]:
        """What Lightning's trainer has to be given; SLURM's jobs are put into the queue by ourselves."""
        if self.port is not None:
            return [Joined(self.rank, self.port)]
        return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []

    def dealing(self, cfg: DictConfig, part: str) -> Dealing:
        """This process's part of the batches of ``train`` or ``val``."""
        accumulated = OmegaConf.select(cfg, "trainer.accumulate_grad_batches") or 1
        return Dealing(self.count, self.rank, accumulated if part == "train" else 1)


def seat_of(trainer: Trainer) -> Seat:
    """The main process's place, of as many as a trainer of the run's config asks for.

    Raises:
        ConfigError: several machines, or processes that Lightning would start in ways of its own.
    """
    count = trainer.num_nodes * trainer.num_devices if isinstance(trainer.strategy, ParallelStrategy) else 1
    if count == 1:
        return Seat()
    if getattr(trainer.strategy, "_start_method", "popen") not in ("popen", None):
        raise ConfigError("trainer.strategy: processes are started by this program; choose ddp or fsdp")
    if outer_count() == count:
        return Seat(outer_rank(), count)
    if trainer.num_nodes > 1 or outer_count() > 1:
        raise ConfigError(
            f"trainer: {trainer.num_nodes} machines with {trainer.num_devices} processes each, but srun or "
            f"torchrun has started {outer_count()}; start {count} of them"
        )
    return Seat(0, count, _free_port())


def check_alone(trainer: Trainer, model: str) -> None:
    """Raise ConfigError where several processes are asked for with a model that they cannot share."""
    if seat_of(trainer).count > 1:
        raise ConfigError(
            f"model={model} is trained by one process: trainer=cpu, or trainer=gpu where there is one"
        )


def check_shards(trainer: Trainer, model: torch.nn.Module) -> None:
    """Raise ConfigError where weights are to be shared out of which some stand still: the state of a model
    holds what is trained alone, of which FSDP cannot make a checkpoint.
    """
    if isinstance(trainer.strategy, FSDPStrategy) and not all(p.requires_grad for p in model.parameters()):
        raise ConfigError(
            "trainer=fsdp trains the whole language model; with backbone.tuning.lora_rank or last_layers "
            "choose trainer=ddp"
        )


@contextmanager
def company(seat: Seat, cfg: DictConfig, run: RunFolder, resume_from: Path | None) -> Iterator[None]:
    """While the main process trains, the others do; they end with it, and it ends with them."""
    others: list[Any] = []
    over = threading.Event()
    try:
        if seat.port is not None:
            others = _started(seat, cfg, run, resume_from)
        watching = threading.Thread(target=_watch, args=(others, over), daemon=True)
        watching.start()
        yield
        watching.join()  # which alone asks the processes how they ended: only one thread is told
    finally:
        over.set()
        for process in others:
            process.terminate()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _started(seat: Seat, cfg: DictConfig, run: RunFolder, resume_from: Path | None) -> list[Any]:
    settings = OmegaConf.to_container(cfg, resolve=True)
    start = None if resume_from is None else str(resume_from)
    context = multiprocessing.get_context(START)
    ready = context.Semaphore(0)
    processes = [
        context.Process(
            target=take_part,
            args=(settings, str(run.path), (rank, seat.count, seat.port), start, ready),
            name=f"process {rank} of {seat.count}",
            daemon=True,
        )
        for rank in range(1, seat.count)
    ]
    for process in processes:
        process.start()
    waiting = len(processes)
    while waiting:  # here, since nothing could interrupt the library that waits for them later
        waiting -= ready.acquire(timeout=0.2)
        for process in processes:
            if process.exitcode is not None:
                raise _failed(process)
    return processes


def _failed(process: Any) -> Emo3DError:
    if process.exitcode == -signal.SIGKILL:
        return Emo3DError(
            f"{process.name} was killed, as systems do where memory runs out; take fewer processes "
            "(trainer.devices) or a smaller batch_size"
        )
    return Emo3DError(f"{process.name} has failed (status {process.exitcode}); see its message above")


def _watch(processes: list[Any], over: threading.Event) -> None:
    """Wait for the others; end this process when one of them fails, for which it would wait in vain."""
    left = {process.sentinel: process for process in processes}
    while left:
        for sentinel in wait(list(left)):
            process = left.pop(sentinel)
            process.join()
            if process.exitcode and not over.is_set():
                log.error(str(_failed(process)))
                os.kill(os.getpid(), signal.SIGTERM)
                if not over.wait(GRACE_SECONDS):
                    os._exit(1)  # the main thread waits within a library, which signals do not reach
                return


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
