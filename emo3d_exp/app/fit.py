"""Lightning's trainer, as this project uses it."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from emo3d_exp.app.checkpointing import OneStepFiles, checkpoints
from emo3d_exp.app.preemption import warned
from emo3d_exp.app.processes import Seat
from emo3d_exp.app.pruning import end_if_pruned, pruning
from emo3d_exp.app.stopping import Stopped

if TYPE_CHECKING:
    from emo3d_exp.runs import RunFolder


class EpochProgress(Callback):
    """One line for the whole training: epochs done, time left, the latest and the best validation value.

    Lightning's own bars redraw each step, which costs more than a step over cached embeddings.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.best = float("inf")
        self.progress = Progress(
            TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
            TextColumn("{task.fields[values]}"), TimeRemainingColumn(),
        )  # fmt: skip

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.progress.start()
        kept = trainer.checkpoint_callback  # of a training that goes on it knows the best
        if isinstance(kept, ModelCheckpoint) and kept.best_model_score is not None:
            self.best = float(kept.best_model_score)
        self.task = self.progress.add_task(
            "", total=trainer.max_epochs, completed=trainer.current_epoch, values=""
        )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        value = float(trainer.callback_metrics[self.monitor])
        self.best = min(self.best, value)
        values = f"{self.monitor} {value:.5f} (best {self.best:.5f})"
        self.progress.update(self.task, completed=trainer.current_epoch + 1, values=values)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.progress.stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.progress.stop()


class EpochSeed(Callback):
    """Gives every epoch an order of batches and random numbers (dropout, latent noise, teacher forcing) that
    depend on seed and epoch alone: a training that goes on draws what it would have drawn.

    Lightning restores neither, but for the samplers of PyTorch's own loaders.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # a tower draws for its own rows alone, so its dropout must not be the same in every process
        rank = trainer.global_rank if getattr(pl_module, "tower", None) is not None else 0
        key = [self.seed, trainer.current_epoch, *([rank] if rank else [])]
        words = np.random.SeedSequence(key).generate_state(2)
        torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        set_epoch = getattr(trainer.train_dataloader, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(trainer.current_epoch)


class EndWithEpoch(Callback):
    """Ends the training with the epoch in which any of its processes was warned."""

    def __init__(self) -> None:
        self.ended = False
        self.on_sigterm: Any = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.on_sigterm = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning's own answer talks to the other processes, which are amid something else
        if trainer.world_size > 1 and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.on_sigterm)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.strategy.reduce_boolean_decision(warned.yes, all=False):
            trainer.should_stop = self.ended = True


def end_if_warned(trainer: Trainer) -> None:
    """Raise Pruned where a trial's pruner has ended the training, Stopped where a warning has: it is to go on
    elsewhere.
    """
    end_if_pruned(trainer)
    if any(callback.ended for callback in trainer.callbacks if isinstance(callback, EndWithEpoch)):
        raise Stopped(signal.SIGUSR1)


class Stopwatch(Callback):
    """Seconds that a training has taken, those before it was stopped included."""

    def __init__(self) -> None:
        self.before = 0.0
        self.started: float | None = None

    @property
    def seconds(self) -> float:
        return self.before + (0.0 if self.started is None else time.monotonic() - self.started)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before = float(state_dict["seconds"])


class LastingStop(EarlyStopping):
    """Early stopping that still holds when the training is taken up again.

    Lightning restores the count of epochs without a better one, but forgets that it had ended the training.
    """

    @property
    def state_key(self) -> str:
        # that of Lightning's own callback, under which earlier checkpoints have it
        return super().state_key.replace(type(self).__qualname__, EarlyStopping.__qualname__, 1)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # with patience=0 a training that has not begun has waited long enough too
        if self.stopped_epoch > 0 or self.wait_count >= max(self.patience, 1):
            trainer.should_stop = True


def training_seconds(trainer: Trainer) -> float:
    """What the stopwatch of :func:`build_trainer` shows."""
    return next(callback.seconds for callback in trainer.callbacks if isinstance(callback, Stopwatch))


def build_trainer(
    cfg: DictConfig,
    run: RunFolder,
    monitor: str,
    loggers: list[Any],
    quiet: bool = False,
    seat: Seat | None = None,
) -> tuple[Trainer, ModelCheckpoint]:
    """A trainer that keeps the best checkpoint by ``monitor`` (lower is better) and the last one.

    Args:
        seat: of this process among those that train together; None: it is alone.
    """
    best, last = checkpoints(run, monitor)
    callbacks: list[Callback] = [best, last, EpochSeed(cfg.seed), EndWithEpoch(), Stopwatch()]
    callbacks += pruning(run, monitor)
    if cfg.patience is not None:
        callbacks.append(LastingStop(monitor, patience=cfg.patience, mode="min"))
    if not quiet:
        callbacks.append(EpochProgress(monitor))
    make_trainer = instantiate(cfg.trainer, _partial_=True, _convert_="all")
    trainer = make_trainer(
        callbacks=callbacks,
        plugins=[OneStepFiles(), *(seat or Seat()).plugins()],
        use_distributed_sampler=False,  # batches are dealt out already
        logger=loggers or False,
        default_root_dir=str(run.path),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    return trainer, best
