"""Mean squared error of blendshapes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from emo3d_exp.losses.weighted import WeightedLoss


class BlendshapeLoss(WeightedLoss):
    """Mean squared error over samples and the 52 scores: what the paper's MLP baselines minimise."""

    def __init__(self) -> None:
        super().__init__({"blendshapes": 1.0})

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``outputs["blendshapes"]`` and ``outputs["target"]`` are (N, 52)."""
        return {"blendshapes": functional.mse_loss(outputs["blendshapes"], outputs["target"])}
