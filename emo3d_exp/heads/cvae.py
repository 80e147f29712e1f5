"""An ensemble of conditional VAEs of faces: one answer to a text, and as many others as are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emo3d_exp.errors import ConfigError
from emo3d_exp.heads.mlp import layers
from emo3d_exp.heads.vae import Latent
from emo3d_exp.records import N_BLENDSHAPES, N_EMOTIONS


class ConditionalVAE(nn.Module):
    """Text embedding and latent → blendshapes and emotions; text embedding and face → latent.

    Args:
        in_features: width D of the embedding.
        hidden: hidden widths of the decoder, at least one.
        encoder_hidden: hidden widths of the encoder.
        latent: width Z of the latent.
        dropout: probability after each hidden layer of the decoder, in [0, 1).
        out_features: number of blendshapes.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int],
        encoder_hidden: Sequence[int],
        latent: int,
        dropout: float,
        out_features: int = N_BLENDSHAPES,
    ) -> None:
        super().__init__()
        if not hidden:
            raise ConfigError("head.hidden=[]: the decoder needs a hidden layer, where text and latent meet")
        self.read_text = nn.Linear(in_features, hidden[0])
        self.read_latent = nn.Linear(latent, hidden[0], bias=False)
        self.decoder = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(dropout),
            layers(hidden, dropout),
            nn.Linear(hidden[-1], out_features + N_EMOTIONS),
            nn.Sigmoid(),
        )
        widths = [in_features + out_features, *encoder_hidden]
        self.encoder = nn.Sequential(layers(widths, 0.0), nn.Linear(widths[-1], 2 * latent))
        self.out_features = out_features

    def encode(self, text: Tensor, blendshapes: Tensor) -> Latent:
        """(B, D) and (B, 52) → what the text does not say about the face; ``z`` is drawn in training only."""
        mu, logvar = self.encoder(torch.cat([text, blendshapes], dim=-1)).chunk(2, dim=-1)
        logvar = logvar.clamp(-10.0, 10.0)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return Latent(z, mu, logvar)

    def decode(self, read: Tensor, z: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What ``read_text`` made of texts (B, H) and a latent (B, Z) or (Z,), None for 0 → blendshapes
        (B, 52) and emotions (B, 8), in (0, 1).
        """
        told = self.decoder(read if z is None else read + self.read_latent(z))
        return told[..., : self.out_features], told[..., self.out_features :]


class CVAEEnsembleHead(nn.Module):
    """Several :class:`ConditionalVAE`, trained side by side.

    The answer to a text is the mean of what the members decode from the latent 0. Another latent, drawn from
    N(0, 1), gives another face that goes with the text.

    Embeddings are scaled to length √D, so that layers see numbers of size 1 whatever the backbone.

    Args:
        in_features: width D of the embedding.
        members: networks, at least 1.
        hidden, encoder_hidden, latent, dropout, out_features: of each, see :class:`ConditionalVAE`.
    """

    def __init__(
        self,
        in_features: int,
        members: int = 4,
        hidden: Sequence[int] = (256, 128),
        encoder_hidden: Sequence[int] = (128,),
        latent: int = 8,
        dropout: float = 0.0,
        out_features: int = N_BLENDSHAPES,
    ) -> None:
        super().__init__()
        for name, value in (("members", members), ("latent", latent)):
            if value < 1:
                raise ConfigError(f"head.{name}={value} must be at least 1")
        self.latent = latent
        self.members = nn.ModuleList(
            ConditionalVAE(in_features, hidden, encoder_hidden, latent, dropout, out_features)
            for _ in range(members)
        )

    def scaled(self, text: Tensor) -> Tensor:
        """(B, D) embeddings at length √D."""
        return nn.functional.normalize(text, dim=-1) * text.shape[-1] ** 0.5

    def forward(self, text: Tensor) -> Tensor:
        """(B, D) → (B, 52) in (0, 1), the answer."""
        text = self.scaled(text)
        answers = [member.decode(member.read_text(text))[0] for member in self.members]
        return torch.stack(answers).mean(dim=0)

    def variations(self, text: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(B, D) → (count, B, 52) in (0, 1): different faces for each text.

        The same latents serve all texts, so a text's faces do not depend on the texts beside it; the members
        take turns.

        Args:
            text: embeddings.
            count: faces for each text, at least 1.
            generator: of the latents; None: torch's global one.
        """
        text = self.scaled(text)
        drawn = torch.randn(count, self.latent, generator=generator).to(text)
        read = [member.read_text(text) for member in self.members]
        turns = [number % len(self.members) for number in range(count)]
        faces = [self.members[turn].decode(read[turn], z)[0] for turn, z in zip(turns, drawn, strict=True)]
        return torch.stack(faces)
