"""The two networks of Emotion-XLM: text → emotions, text and emotions → blendshapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.heads.mlp import MLPHead
from emo3d_exp.records import N_BLENDSHAPES, N_EMOTIONS


class EmotionHead(nn.Module):
    """Embedding b → emotion intensities v; [b, v, o] → blendshapes (paper section 4, Emotion-XLM), where o is
    the one-hot of the strongest emotion. The second network is D + 16 wide at its entry: 784 where D is 768.

    Args:
        in_features: width D of the embedding.
        hidden: widths of the hidden layers from [b, v, o] to the blendshapes.
        extractor_hidden: widths of the hidden layers from b to v; none make it one linear layer.
        dropout: probability after each hidden layer, in [0, 1).
        out_features: number of blendshapes.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int] = (256, 128),
        extractor_hidden: Sequence[int] = (),
        dropout: float = 0.0,
        out_features: int = N_BLENDSHAPES,
    ) -> None:
        super().__init__()
        self.extractor = MLPHead(in_features, extractor_hidden, dropout, N_EMOTIONS)
        self.decoder = MLPHead(in_features + 2 * N_EMOTIONS, hidden, dropout, out_features)

    def emotions(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 8) intensities in (0, 1)."""
        return self.extractor(embedding)

    def blendshapes(self, embedding: Tensor, emotions: Tensor) -> Tensor:
        """(B, D) and (B, 8) intensities, read or true → (B, 52) in (0, 1)."""
        return self.decoder(joined(embedding, emotions))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 52) in (0, 1), by the emotions that the extractor reads."""
        return self.blendshapes(embedding, self.emotions(embedding))


def joined(embedding: Tensor, emotions: Tensor) -> Tensor:
    """(B, D) and (B, 8) → [b, v, o], (B, D + 16); of equally strong emotions the first is the dominant."""
    one_hot = functional.one_hot(emotions.argmax(dim=-1), N_EMOTIONS).to(embedding.dtype)
    return torch.cat([embedding, emotions, one_hot], dim=-1)
