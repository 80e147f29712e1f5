"""The CLIP baseline (paper section 4): one MLP for text and image embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from emo3d_exp.heads import MLPHead
from emo3d_exp.losses import BlendshapeLoss
from emo3d_exp.models.base import OptimizerFactory, TextToBlendshapes
from emo3d_exp.models.registry import register_model
from emo3d_exp.records import StepShare


@register_model("clip_mlp")
class CLIPMLP(TextToBlendshapes):
    """CLIP embedding → blendshapes, trained on the text *and* the image embedding of every face, which
    doubles the data; at inference it sees the text embedding.

    Args:
        head: embedding → 52.
        loss: mean squared error.
        optimizer: parameters → optimizer.
    """

    modalities = frozenset({"text", "image"})

    def __init__(self, head: MLPHead, loss: BlendshapeLoss, optimizer: OptimizerFactory) -> None:
        super().__init__(head, loss, optimizer)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        image, target = batch["image"], batch["blendshapes"]
        if "has_image" in batch:
            image, image_target = image[batch["has_image"]], target[batch["has_image"]]
        else:
            image_target = target
        return {
            "blendshapes": self.head(torch.cat([batch["text"], image])),
            "target": torch.cat([target, image_target]),
        }

    def portion(self, term: str, share: StepShare) -> float:
        return (share.own + share.own_pictures) / (share.step + share.step_pictures)

    def from_text(self, text: Tensor) -> Tensor:
        return self.head(text)
