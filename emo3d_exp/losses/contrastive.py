"""Contrastive alignment of texts and faces."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from emo3d_exp.errors import ConfigError
from emo3d_exp.losses.weighted import WeightedLoss


def soft_targets(emotions: Tensor, share: float, temperature: float = 0.05) -> Tensor:
    """Target distribution over the batch for each row: its own pair, and rows of like emotion.

    Two descriptions of the same emotion are not negatives of each other, as plain InfoNCE has it. A
    share of the target is spread over the batch by the cosine of the emotion vectors.

    Args:
        emotions: (B, 8) intensities.
        share: of the target that goes to like rows, in [0, 1); 0 is plain InfoNCE.
        temperature: of the softmax over cosines in [0, 1].

    Returns:
        (B, B), rows sum to 1.
    """
    own = torch.eye(len(emotions), device=emotions.device)
    direction = functional.normalize(emotions, dim=-1)
    alike = (direction @ direction.T / temperature).softmax(dim=-1)
    return (1 - share) * own + share * alike


def contrastive_loss(image: Tensor, text: Tensor, scale: Tensor, targets: Tensor) -> Tensor:
    """Symmetric cross entropy of cosine similarities (InfoNCE, Radford et al. 2021) against ``targets``.

    Args:
        image, text: (B, D), any length.
        scale: inverse temperature, scalar.
        targets: (B, B), rows sum to 1.

    Returns:
        Scalar, the mean over both directions.
    """
    logits = scale * functional.normalize(image, dim=-1) @ functional.normalize(text, dim=-1).T
    return 0.5 * (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets))


class ContrastiveLoss(WeightedLoss):
    """FaceCLIP's loss: :func:`contrastive_loss` with :func:`soft_targets`, and what embeddings must tell.

    A linear probe, one for both towers, reads emotions and blendshapes out of either embedding. A few
    thousand pairs teach an image tower from scratch far more that way than by telling pairs apart alone.

    Args:
        like_share: share of the target that goes to rows of like emotion; 0 is plain InfoNCE.
        lambda_image: weight of the squared error of what the probe reads from the picture.
        lambda_text: the same for the text.
    """

    def __init__(
        self, like_share: float = 0.2, lambda_image: float = 40.0, lambda_text: float = 40.0
    ) -> None:
        super().__init__({"contrastive": 1.0, "image": lambda_image, "text": lambda_text})
        if not 0 <= like_share < 1:
            raise ConfigError(f"loss.like_share must be in [0, 1), got {like_share}")
        self.like_share = like_share

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``outputs``: ``image``, ``text`` (B, D), ``scale``, and ``read_from_image``, ``read_from_text``
        (B, 60); ``batch``: ``emotions`` (B, 8), ``blendshapes`` (B, 52).
        """
        targets = soft_targets(batch["emotions"], self.like_share)
        told = torch.cat([batch["emotions"], batch["blendshapes"]], dim=1)
        return {
            "contrastive": contrastive_loss(outputs["image"], outputs["text"], outputs["scale"], targets),
            "image": functional.mse_loss(outputs["read_from_image"], told),
            "text": functional.mse_loss(outputs["read_from_text"], told),
        }
