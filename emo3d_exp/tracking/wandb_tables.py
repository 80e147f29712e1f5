"""The per-sample table of an evaluation on its W&B page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emo3d_exp.tracking.samples import SampleFaces, name_emotions
from emo3d_exp.vocab import EMOTIONS

COLUMNS = ("sample_id", "text", "dominant", "emotions", "mse", "emo3d", "ground_truth", "prediction")


@contextmanager
def pictures_kept_in(folder: Path) -> Iterator[None]:
    """Within the block, W&B keeps a table's pictures in this folder until they are uploaded.

    Its own choice is a folder in the user's home, where nobody would look for a part of a run.
    """
    if "WANDB_DATA_DIR" in os.environ:
        yield
        return
    os.environ["WANDB_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["WANDB_DATA_DIR"]


def sample_table(samples: SampleFaces) -> Any:
    """A ``wandb.Table`` with one row a prompt: text, emotions, errors and both faces as pictures."""
    import wandb

    table = wandb.Table(columns=list(COLUMNS))
    for row in range(len(samples)):
        table.add_data(
            int(samples.sample_id[row]),
            samples.text[row],
            EMOTIONS[int(samples.emotions[row].argmax())],
            name_emotions(samples.emotions[row]),
            float(samples.mse[row]),
            float(samples.emo3d[row]),
            # JPEG: as PNG, 128 faces take 3 s and 11 MB
            wandb.Image(samples.truth[row], file_type="jpg"),
            wandb.Image(samples.prediction[row], file_type="jpg"),
        )
    return table
