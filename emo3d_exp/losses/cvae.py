"""The loss of the ensemble of conditional VAEs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from emo3d_exp.losses.weighted import WeightedLoss


class CVAELoss(WeightedLoss):
    """``L = MSE(answer) + λ_reconstruction MSE(reconstruction) + λ_emotions MSE(emotions) + β KL``.

    The answer is decoded from the latent 0, the reconstruction from the face's own latent; the KL divergence
    of that latent's distribution from N(0, 1) is summed over latent dimensions. All terms are means over
    members and samples.

    Args:
        lambda_reconstruction: weight of the squared error of the reconstruction.
        lambda_emotions: weight of the squared error of the emotions read from the text.
        beta: weight of the KL divergence. The lower, the more the drawn faces differ.
    """

    def __init__(self, lambda_reconstruction: float, lambda_emotions: float, beta: float) -> None:
        super().__init__(
            {
                "answer": 1.0,
                "reconstruction": lambda_reconstruction,
                "emotions": lambda_emotions,
                "prior": beta,
            }
        )

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``outputs``, of K members: ``answer``, ``reconstruction`` (K, B, 52), ``emotions`` (K, B, 8),
        ``mu``, ``logvar`` (K, B, Z); ``batch``: ``blendshapes`` (B, 52), ``emotions`` (B, 8).
        """
        faces = batch["blendshapes"].expand_as(outputs["answer"])
        emotions = batch["emotions"].expand_as(outputs["emotions"])
        mu, logvar = outputs["mu"], outputs["logvar"]
        return {
            "answer": functional.mse_loss(outputs["answer"], faces),
            "reconstruction": functional.mse_loss(outputs["reconstruction"], faces),
            "emotions": functional.mse_loss(outputs["emotions"], emotions),
            "prior": 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar).sum(dim=-1).mean(),
        }
