"""The loss of VAE-CLIP (paper eqs. 2-4)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from emo3d_exp.losses.weighted import WeightedLoss


def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    """1 - cosine of each pair, (B, D) and (B, D) → (B,) in [0, 2].

    Raises:
        ValueError: the shapes differ. Broadcasting would compare every pair with every other, and the
            pairing would no longer matter.
    """
    if first.shape != second.shape or first.dim() != 2:
        raise ValueError(f"expected two (B, D) tensors, got {tuple(first.shape)} and {tuple(second.shape)}")
    return 1.0 - functional.cosine_similarity(first, second, dim=-1)


class VAECLIPLoss(WeightedLoss):
    """Reconstruction, and cosine alignment of the latent with the sample's own CLIP embeddings.

    ``L = MSE(x, decoder(z)) + λ_text (1 - cos(CLIP_text, z)) + λ_image (1 - cos(CLIP_image, z))``,
    cosines per sample, then averaged (eqs. 2-4); plus ``β KL(N(mu, σ²) ‖ N(0, 1))``, averaged over
    samples and latent dimensions, and ``λ_decoder MSE(x, decoder(CLIP_text))``, the error of the face that
    the system gives to the text. The paper has neither.

    Args:
        lambda_text: weight of the alignment with the text embedding.
        lambda_image: weight of the alignment with the image embedding.
        beta: weight of the KL prior; 0 is the paper's loss.
        lambda_decoder: weight of the decoded text's error; 0 is the paper's loss, and leaves the term out,
            for it takes a second pass through the decoder.
    """

    def __init__(
        self, lambda_text: float, lambda_image: float, beta: float = 0.0, lambda_decoder: float = 0.0
    ) -> None:
        weights = {"reconstruction": 1.0, "text": lambda_text, "image": lambda_image, "prior": beta}
        super().__init__(weights | ({"decoder": lambda_decoder} if lambda_decoder else {}))

    @property
    def decodes_text(self) -> bool:
        """Whether ``outputs`` must hold ``from_text``."""
        return "decoder" in self.weights

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``outputs``: ``blendshapes`` (B, 52), ``z``, ``mu``, ``logvar`` (B, D), and where
        ``decodes_text``, ``from_text`` (B, 52); ``batch``: ``blendshapes`` (B, 52), ``text``, ``image``
        (B, D), and ``has_image`` (B,) bool where some faces have no picture.
        """
        image_distance = cosine_distance(batch["image"], outputs["z"])
        if "has_image" in batch:
            present = batch["has_image"]
            image_distance = torch.where(present, image_distance, 0.0).sum() / present.sum().clamp(min=1)
        mu, logvar = outputs["mu"], outputs["logvar"]
        terms = {
            "reconstruction": functional.mse_loss(outputs["blendshapes"], batch["blendshapes"]),
            "text": cosine_distance(batch["text"], outputs["z"]).mean(),
            "image": image_distance.mean(),
            "prior": (0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)).mean(),
        }
        if self.decodes_text:
            terms["decoder"] = functional.mse_loss(outputs["from_text"], batch["blendshapes"])
        return terms
