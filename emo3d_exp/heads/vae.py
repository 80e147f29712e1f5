"""The variational autoencoder of VAE-CLIP: its latent has the width of CLIP's embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from emo3d_exp.heads.mlp import MLPHead, layers
from emo3d_exp.heads.neutral import without_neutral
from emo3d_exp.records import N_BLENDSHAPES


class Latent(NamedTuple):
    """``z`` (B, D) is what the decoder sees; ``mu`` and ``logvar`` (B, D) are its distribution."""

    z: Tensor
    mu: Tensor
    logvar: Tensor


class VAEHead(nn.Module):
    """Blendshapes → latent of the embedding's width → blendshapes (paper section 4, VAE-CLIP).

    Args:
        in_features: width D of the CLIP embedding, and so of the latent.
        encoder_hidden: hidden widths from the blendshapes to the latent (released: 256).
        decoder_hidden: hidden widths from the latent to the blendshapes (released: 256).
        dropout: probability after each hidden layer, in [0, 1).
        normalize_latent: scale every latent and every embedding that is decoded to length √D. Cosine
            alignment (eqs. 3, 4) fixes directions only; without this the decoder is trained on
            lengths that no text embedding has. False is the paper's wording to the letter.
        out_features: number of blendshapes, ``_neutral`` counted.
        neutral: whether encoder and decoder have ``_neutral`` too; False: they have the others, and what is
            decoded has ``_neutral`` 0, as in the released baseline.
    """

    def __init__(
        self,
        in_features: int,
        encoder_hidden: Sequence[int] = (256,),
        decoder_hidden: Sequence[int] = (256,),
        dropout: float = 0.0,
        normalize_latent: bool = True,
        out_features: int = N_BLENDSHAPES,
        neutral: bool = True,
    ) -> None:
        super().__init__()
        widths = [out_features if neutral else out_features - 1, *encoder_hidden]
        self.encoder = layers(widths, dropout)
        self.mu = nn.Linear(widths[-1], in_features)
        self.logvar = nn.Linear(widths[-1], in_features)
        self.decoder = MLPHead(in_features, decoder_hidden, dropout, out_features, neutral)
        self.normalize_latent = normalize_latent
        self.neutral = neutral

    def encode(self, blendshapes: Tensor) -> Latent:
        """(B, 52) → latent; ``z`` is drawn from N(mu, exp(logvar)) in training and is mu otherwise."""
        features = self.encoder(blendshapes if self.neutral else without_neutral(blendshapes))
        mu, logvar = self.mu(features), self.logvar(features).clamp(-20.0, 10.0)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return Latent(z, mu, logvar)

    def decode(self, latent: Tensor) -> Tensor:
        """(B, D) latent or CLIP embedding → (B, 52) blendshapes in (0, 1)."""
        if self.normalize_latent:
            latent = nn.functional.normalize(latent, dim=-1) * latent.shape[-1] ** 0.5
        return self.decoder(latent)
