"""Training of FaceCLIP, the small open_clip model that judges rendered faces offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.augmentation import with_noise
from emo3d_exp.losses import ContrastiveLoss, contrastive_loss
from emo3d_exp.models.base import OptimizerFactory
from emo3d_exp.models.registry import register_model
from emo3d_exp.records import N_BLENDSHAPES, N_EMOTIONS

FROZEN = "clip.text.transformer."
"""MiniLM's weights in the module's state."""


class PixelAugmentation(nn.Module):
    """Random mirror, shift, zoom, brightness and contrast of a batch of standardised faces.

    Args:
        shift: largest shift, as a fraction of the picture.
        zoom: largest change of size, as a fraction.
        light: largest change of contrast, as a fraction, and of brightness, in standard deviations.
    """

    def __init__(self, shift: float = 0.06, zoom: float = 0.08, light: float = 0.2) -> None:
        super().__init__()
        self.shift, self.zoom, self.light = shift, zoom, light

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) → the same shape."""
        count = len(pixels)

        def spread() -> Tensor:
            return torch.rand(count, device=pixels.device) * 2 - 1

        size = 1 + self.zoom * spread()
        mirror = torch.where(torch.rand(count, device=pixels.device) < 0.5, -1.0, 1.0)
        zero = torch.zeros_like(size)
        across = torch.stack([size * mirror, zero, 2 * self.shift * spread()], dim=1)
        down = torch.stack([zero, size, 2 * self.shift * spread()], dim=1)
        grid = functional.affine_grid(torch.stack([across, down], 1), list(pixels.shape), align_corners=False)
        moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
        contrast = (1 + self.light * spread()).view(-1, 1, 1, 1)
        brightness = (self.light * spread()).view(-1, 1, 1, 1)
        mean = moved.mean(dim=(1, 2, 3), keepdim=True)
        return (moved - mean) * contrast + mean + brightness


@register_model("face_clip")
class FaceCLIPTraining(LightningModule):
    """Trains the image tower, the projection of frozen MiniLM embeddings, and the temperature.

    Batches hold ``pixels`` (B, 112, 112, 3) uint8, ``text`` (B, 384) mean-pooled MiniLM embeddings, not
    normalised, ``emotions`` (B, 8) and ``blendshapes`` (B, 52). Logs ``val/loss``: plain InfoNCE on held-out
    pairs.

    Args:
        head: the open_clip model of :func:`emo3d_exp.backbones.build_face_clip`.
        loss: the contrastive loss.
        optimizer: parameters → optimizer.
        text_noise: standard deviation of Gaussian noise on the text embeddings, as a fraction of their
            root mean square; it keeps the projection smooth between the training texts.
        text_dropout: dropout on the text embeddings.
        warmup_steps: of the learning rate, which then falls as a cosine to 0.
    """

    modalities = frozenset({"text"})

    def __init__(
        self,
        head: nn.Module,
        loss: ContrastiveLoss,
        optimizer: OptimizerFactory,
        text_noise: float = 0.5,
        text_dropout: float = 0.1,
        warmup_steps: int = 50,
    ) -> None:
        super().__init__()
        self.clip = head
        # Depthwise convolutions on a CPU take a third less time in this layout.
        self.clip.visual.to(memory_format=torch.channels_last)
        self.loss = loss
        self.make_optimizer = optimizer
        self.text_noise = text_noise
        self.text_dropout = nn.Dropout(text_dropout)
        self.warmup_steps = warmup_steps
        self.augment = PixelAugmentation()
        width = next(reversed(list(head.text.proj.parameters()))).shape[0]
        self.probe = nn.Linear(width, N_EMOTIONS + N_BLENDSHAPES)
        self._held_out: list[tuple[Tensor, Tensor]] = []

    def encode_pixels(self, pixels: Tensor, augment: bool) -> Tensor:
        """(B, 112, 112, 3) uint8 RGB → (B, 256)."""
        from emo3d_exp.backbones import to_pixels

        image = to_pixels(pixels)
        image = self.augment(image) if augment else image
        return self.clip.visual(image.contiguous(memory_format=torch.channels_last))

    def encode_text(self, embedding: Tensor) -> Tensor:
        """(B, 384) mean-pooled MiniLM embeddings → (B, 256)."""
        return self.clip.text.proj(embedding)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        noisy = self.text_dropout(with_noise(batch["text"], self.text_noise))
        image, words = self.encode_pixels(batch["pixels"], augment=True), self.encode_text(noisy)
        return {
            "image": image,
            "text": words,
            "scale": self.clip.logit_scale.exp(),
            "read_from_image": self.read(image),
            "read_from_text": self.read(words),
        }

    def read(self, embedding: Tensor) -> Tensor:
        """(B, 256) → (B, 60) emotions and blendshapes, read from the direction alone."""
        direction = functional.normalize(embedding, dim=-1) * embedding.shape[-1] ** 0.5
        return self.probe(direction).sigmoid()

    def training_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> Tensor:
        total, _ = self.loss(self.outputs(batch), batch)
        self.log("train/loss", total, on_step=False, on_epoch=True, batch_size=len(batch["text"]))
        return total

    def on_before_zero_grad(self, optimizer: torch.optim.Optimizer) -> None:
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0.0, 4.6)  # at most 100, as CLIP has it

    def validation_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> None:
        self._held_out.append((self.encode_pixels(batch["pixels"], False), self.encode_text(batch["text"])))

    def on_validation_epoch_end(self) -> None:
        image, text = (torch.cat(parts) for parts in zip(*self._held_out, strict=True))
        self._held_out = []
        own = torch.eye(len(image), device=image.device)
        loss = contrastive_loss(image, text, self.clip.logit_scale.exp(), own)
        similar = functional.normalize(image, dim=-1) @ functional.normalize(text, dim=-1).T
        rank = (similar > similar.diagonal()[:, None]).sum(dim=1)
        self.log_dict({"val/loss": loss, "val/image_to_text_r_at_10": (rank < 10).float().mean()})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # MiniLM is frozen: 90 MB less in each checkpoint.
        for name in [name for name in checkpoint["state_dict"] if name.startswith(FROZEN)]:
            del checkpoint["state_dict"][name]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = self.state_dict()
        checkpoint["state_dict"] |= {name: own[name] for name in own if name.startswith(FROZEN)}

    def configure_optimizers(self) -> dict[str, object]:
        trained = [
            *self.clip.visual.parameters(),
            *self.clip.text.proj.parameters(),
            self.clip.logit_scale,
            *self.probe.parameters(),
        ]
        optimizer = self.make_optimizer(trained)
        total = int(self.trainer.estimated_stepping_batches)
        warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.05, 1.0, self.warmup_steps)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, total - self.warmup_steps))
        schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], [self.warmup_steps])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
