"""The error of the blendshapes as a torchmetrics metric."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from emo3d_exp.metrics.blendshapes import blendshape_errors
from emo3d_exp.metrics.interval import Interval
from emo3d_exp.metrics.keyed import KeyedMetric

ERRORS = tuple(blendshape_errors(np.zeros((0, 52)), np.zeros((0, 52))))
"""What is kept of every sample."""


class BlendshapeMSE(KeyedMetric):
    """Mean squared error between predicted and true blendshapes, averaged over samples.

    Args:
        neutral: count ``_neutral`` too (52 values, as the paper does); without it the 51 that move a face.

    >>> metric = BlendshapeMSE()
    >>> metric.update(np.zeros((1, 52)), np.ones((1, 52)), sample_id=[0], text_number=[1])
    >>> metric.compute().item()
    1.0
    """

    name: ClassVar[str] = "mse"
    link: ClassVar[str] = "https://arxiv.org/abs/2410.02049"
    interval: ClassVar[Interval] = Interval(0.0, 1.0)
    higher_is_better = False

    def __init__(self, neutral: bool = True) -> None:
        super().__init__({name: torch.empty(0, dtype=torch.float64) for name in ERRORS})
        self.neutral = neutral

    def update(self, predicted: Any, target: Any, sample_id: Any, text_number: Any) -> None:
        """Add a batch: blendshapes (B, 52) and (B, 52) in [0, 1], sample ids (B,), text numbers (B,)."""
        self._append(sample_id, text_number, **blendshape_errors(predicted, target))

    def compute(self) -> torch.Tensor:
        """The mean over samples, a float64 scalar."""
        return torch.tensor(self._rows()["mse" if self.neutral else "mse_51"].mean(), dtype=torch.float64)

    def _values(self, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: rows[name] for name in ERRORS}
