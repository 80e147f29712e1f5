"""A training of some seconds whose language model learns along, on a table in the published layout."""

from __future__ import annotations

import sys
from pathlib import Path

from commands import ROOT
from tiny_language_models import FEELINGS, order_task, saved

sys.path.append(str(ROOT / "tests" / "data"))
from published import row, write_csv


def language_training(folder: Path, epochs: int, samples: int) -> list[str]:
    """Write model and table below ``folder``; the arguments of ``train.py``.

    Args:
        samples: of which a tenth each is validated and tested on.
    """
    saved(folder / "bert", words=[*FEELINGS, "with"])
    texts, faces = order_task(samples, seed=0)
    rows = [
        row(n, text_1=text, text_2=None, text_3=None, blenshape_score_1=str(face.round(4)),
            **{f"blenshape_score_{k}": None for k in (2, 3, 4)}, **{f"img_{k}": None for k in (1, 2, 3, 4)})
        for n, (text, face) in enumerate(zip(texts, faces, strict=True))
    ]  # fmt: skip
    train, val = samples * 8 // 10, samples * 9 // 10
    write_csv(folder / "table", rows[:train], rows[train:val], rows[val:])
    return [
        "model=lm_mlp", "backbone=hf", "backbone.name=tiny", f"backbone.model={folder / 'bert'}",
        "backbone.max_length=24", "backbone.trainable=true", "backbone.tuning.lr=0.001",
        "data=emo3d", f"data.root={folder / 'table'}", "batch_size=8", f"trainer.max_epochs={epochs}",
        "patience=null", "evaluate=false", "tracking=none", "threads=1",
    ]  # fmt: skip
