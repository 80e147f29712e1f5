"""A text of the mini data set with what is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DescribedText:
    """``emotions``: (8,) float32 intensities as the writer gave them; ``age`` and ``gender`` as
    ``random_look`` takes them, None where the text does not say; ``style``: how the text speaks."""

    text: str
    style: str
    emotions: np.ndarray
    age: str | None
    gender: str | None
