"""Which prompts a reader is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Picked:
    """A row of the per-sample table and why it is shown: ``best``, ``worst`` or ``typical <emotion>``."""

    row: int
    why: str


def pick(table: pd.DataFrame, extremes: int = 2) -> list[Picked]:
    """The best and the worst prompts, and between them for every dominant emotion the one in the middle.

    Args:
        table: per-sample table; judged by ``emo3d``, or by ``mse`` where faces were not judged.
        extremes: how many best, and how many worst.

    Returns:
        at most ``8 + 2 * extremes``, each row once.
    """
    values = table["emo3d" if "emo3d" in table else "mse"].to_numpy()
    order = np.argsort(values, kind="stable")
    extremes = min(extremes, len(order) // 2)
    best, worst = order[:extremes], order[len(order) - extremes :]
    dominant, middle = table["dominant"].to_numpy(), []
    rest = order[extremes : len(order) - extremes]
    for name in EMOTIONS:
        rows = rest[dominant[rest] == name]
        if len(rows):
            middle.append(Picked(int(rows[(len(rows) - 1) // 2]), f"typical {name}"))
    return [
        *(Picked(int(row), "best") for row in best),
        *middle,
        *(Picked(int(row), "worst") for row in worst),
    ]
