"""What a W&B page shows of an evaluation."""

from __future__ import annotations

from typing import Any

from emo3d_exp.tracking.samples import SampleFaces, name_emotions
from emo3d_exp.vocab import EMOTIONS

COLUMNS = ("sample_id", "text", "dominant", "emotions", "mse", "emo3d", "ground_truth", "prediction")


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
            wandb.Image(samples.truth[row]),
            wandb.Image(samples.prediction[row]),
        )
    return table
