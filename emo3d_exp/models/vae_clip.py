"""VAE-CLIP (paper section 4, eqs. 2-4)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from emo3d_exp.heads import VAEHead
from emo3d_exp.losses import VAECLIPLoss
from emo3d_exp.models.base import OptimizerFactory, TextToBlendshapes
from emo3d_exp.models.registry import register_model
from emo3d_exp.records import StepShare


@register_model("vae_clip")
class VAECLIP(TextToBlendshapes):
    """A VAE of blendshapes whose latent is pulled to the CLIP embeddings of the sample's text and image;
    at inference its decoder is applied to the text embedding.

    Args:
        head: encoder and decoder, its latent as wide as the embeddings.
        loss: eqs. 2-4, and what may be added to them.
        optimizer: parameters → optimizer.
    """

    modalities = frozenset({"text", "image"})
    loss: VAECLIPLoss

    def __init__(self, head: VAEHead, loss: VAECLIPLoss, optimizer: OptimizerFactory) -> None:
        super().__init__(head, loss, optimizer)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        latent = self.head.encode(batch["blendshapes"])
        outputs = {"blendshapes": self.head.decode(latent.z), **latent._asdict()}
        if self.loss.decodes_text:
            outputs["from_text"] = self.from_text(batch["text"])
        return outputs

    def portion(self, term: str, share: StepShare) -> float:
        if term == "image":  # a mean over the faces that have a picture
            return share.own_pictures / max(share.step_pictures, 1)
        return super().portion(term, share)

    def from_text(self, text: Tensor) -> Tensor:
        return self.head.decode(text)
