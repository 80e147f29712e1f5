"""The loss of Emotion-XLM (paper eq. 1)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from emo3d_exp.losses.weighted import WeightedLoss


class EmotionXLMLoss(WeightedLoss):
    """``L = λ1 MSE(blendshapes) + λ2 MSE(emotions)``, means over samples and the 52 scores or 8 intensities.

    Args:
        lambda_blendshapes: λ1.
        lambda_emotions: λ2, of what the extractor reads against the true intensities.
    """

    def __init__(self, lambda_blendshapes: float, lambda_emotions: float) -> None:
        super().__init__({"blendshapes": lambda_blendshapes, "emotions": lambda_emotions})

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``blendshapes`` (B, 52) and ``emotions`` (B, 8), in ``outputs`` and in ``batch``."""
        return {
            "blendshapes": functional.mse_loss(outputs["blendshapes"], batch["blendshapes"]),
            "emotions": functional.mse_loss(outputs["emotions"], batch["emotions"]),
        }
