"""The checkpoints of a training, which it goes on from and which its result is taken from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins import TorchCheckpointIO

from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from emo3d_exp.runs import RunFolder

SECONDS = 1.0
"""Of training that a killed process may lose beside the epoch in hand."""


def checkpoints(run: RunFolder, monitor: str) -> tuple[ModelCheckpoint, ModelCheckpoint]:
    """``best.ckpt``, the weights of the epoch with the lowest ``monitor``, and ``last.ckpt``."""
    best = MovableCheckpoint(
        dirpath=run.checkpoints, filename="best", monitor=monitor, mode="min", enable_version_counter=False,
        save_weights_only=True,
    )  # fmt: skip
    # save_last=True would write only when an epoch is the best
    last = LastCheckpoint(
        dirpath=run.checkpoints, filename=run.last_checkpoint.stem, enable_version_counter=False
    )
    return best, last


class MovableCheckpoint(ModelCheckpoint):
    """Knows its best checkpoint again after the run folder was moved.

    Lightning forgets it, and the next epoch would pass for the best and replace it.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        moved = {key: here(state_dict[key]) for key in state_dict if key.endswith("_model_path")}
        known = {here(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        here_now = {"dirpath": self.dirpath, "best_k_models": known}
        super().load_state_dict({**state_dict, **moved, **here_now})


class LastCheckpoint(MovableCheckpoint):
    """All that a training needs to go on: after its first epoch, its last one, and any that ends ``SECONDS``
    after it was written.

    Where an epoch takes a tenth of a second, writing it after each would take a twentieth of the training.
    A training that goes on from an earlier epoch comes to the same, see ``EpochSeed``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(save_on_train_epoch_end=True, **settings)
        self.written = float("-inf")

    @property
    def state_key(self) -> str:
        # under which earlier checkpoints have it
        return super().state_key.replace(type(self).__qualname__, MovableCheckpoint.__qualname__, 1)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        due = time.monotonic() - self.written >= SECONDS or _is_last(trainer)
        if trainer.strategy.reduce_boolean_decision(due, all=False):  # all processes have a part in it
            super().on_train_epoch_end(trainer, pl_module)
            self.written = time.monotonic()


def _is_last(trainer: Trainer) -> bool:
    """Whether the training ends with this epoch."""
    epochs, steps = trainer.max_epochs, trainer.max_steps
    whole = epochs is not None and 0 <= epochs <= trainer.current_epoch + 1
    return trainer.should_stop or whole or 0 <= steps <= trainer.global_step


class OneStepFiles(TorchCheckpointIO):
    """Replaces a checkpoint in one step.

    Lightning writes it in the folder for temporary files and moves it, which is a copy over the old one where
    the two lie on different file systems.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Path | str, storage_options: Any = None
    ) -> None:
        if storage_options is not None:
            raise TypeError("checkpoints are files of this machine, which take no storage_options")
        with write_atomically(path) as partial, partial.open("wb") as file:
            torch.save(checkpoint, file)
