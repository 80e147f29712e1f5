"""A system of our own: an ensemble of conditional VAEs on noisy text embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from emo3d_exp.augmentation import with_noise
from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import CVAEEnsembleHead
from emo3d_exp.losses import CVAELoss
from emo3d_exp.models.base import OptimizerFactory, TextToBlendshapes
from emo3d_exp.models.registry import register_model


@register_model("cvae_ensemble")
class CVAEEnsemble(TextToBlendshapes):
    """Answers a text with one face, and with as many different ones as are asked for.

    The latent holds what a text leaves open about its face. In training a member decodes twice, from the
    latent 0 (the answer) and from the latent that its encoder reads from the face; each member sees the text
    with noise of its own. Emotions are read beside the face, so that the hidden layers learn what the texts
    are about.

    Args:
        head: the ensemble.
        loss: answer, reconstruction, emotions, prior.
        optimizer: parameters → optimizer.
        text_noise: Gaussian noise on the text embeddings, as a fraction of their root mean square.
    """

    head: CVAEEnsembleHead

    def __init__(
        self, head: CVAEEnsembleHead, loss: CVAELoss, optimizer: OptimizerFactory, text_noise: float
    ) -> None:
        super().__init__(head, loss, optimizer)
        if text_noise < 0:
            raise ConfigError(f"model.text_noise={text_noise} must not be negative")
        self.text_noise = text_noise

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        told: dict[str, list[Tensor]] = {
            name: [] for name in ("answer", "reconstruction", "emotions", "mu", "logvar")
        }
        text = self.head.scaled(batch["text"])
        for member in self.head.members:
            seen = with_noise(text, self.text_noise)
            latent = member.encode(seen, batch["blendshapes"])
            read = member.read_text(seen)
            answer, emotions = member.decode(read)
            reconstruction, _ = member.decode(read, latent.z)
            for name, values in zip(
                told, (answer, reconstruction, emotions, latent.mu, latent.logvar), strict=True
            ):
                told[name].append(values)
        return {name: torch.stack(values) for name, values in told.items()}

    def from_text(self, text: Tensor) -> Tensor:
        return self.head(text)

    def variations(self, text: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
        """See :meth:`CVAEEnsembleHead.variations`."""
        return self.head.variations(text, count, generator)
