"""A language model and an MLP (paper section 4, baselines a and b)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from emo3d_exp.heads import MLPHead
from emo3d_exp.losses import BlendshapeLoss
from emo3d_exp.models.base import OptimizerFactory, TextToBlendshapes
from emo3d_exp.models.registry import register_model


@register_model("lm_mlp")
class LanguageModelMLP(TextToBlendshapes):
    """Text embedding → blendshapes, trained on texts alone. The language model is frozen, or trained along
    (``tower``).

    Args:
        head: embedding → 52.
        loss: mean squared error.
        optimizer: parameters → optimizer.
    """

    def __init__(self, head: MLPHead, loss: BlendshapeLoss, optimizer: OptimizerFactory) -> None:
        super().__init__(head, loss, optimizer)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"blendshapes": self.head(batch["text"]), "target": batch["blendshapes"]}

    def from_text(self, text: Tensor) -> Tensor:
        return self.head(text)
