"""CLIP models through open_clip: text and image in one space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.backbones.clip_sources import CheckpointSource, ClipSource, FaceClipSource, Towers
from emo3d_exp.backbones.encoder import (
    Encoder,
    checked_name,
    chosen_device,
    encode_in_batches,
    fingerprint_of,
    require_images,
    require_texts,
)
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


class OpenCLIPEncoder(Encoder):
    """The text and image towers of an open_clip model.

    Args:
        name: of the backbone.
        architecture: open_clip's name of the model, or ``face_clip``; None reads it from the
            ``open_clip_config.json`` beside the weights.
        pretrained: hub id (``owner/name``), local folder, weight file (safetensors, or a torch file that
            holds tensors alone), one of open_clip's tags, or ``packaged`` for FaceCLIP's own; must be given.
        normalize: scale each embedding to length 1.
        batch_size: texts or images encoded at once.
        device: a torch device, or ``auto``: the first GPU, else the CPU.
        trainable: must be false; language models alone are trained along with a head.
    """

    modalities = frozenset({"text", "image"})

    def __init__(
        self,
        name: str,
        architecture: str | None,
        pretrained: str | None,
        normalize: bool = True,
        batch_size: int = 64,
        device: str = "auto",
        trainable: bool = False,
    ) -> None:
        self.name = checked_name(name)
        if trainable:
            raise ConfigError(
                f"backbone.trainable=true: {name} is a CLIP model, which stays frozen. Language models can "
                "be trained (backbone=minilm, bert_base, xlmr_base, glot500 or hf), with model=lm_mlp, "
                "emotion_xlm or cvae_ensemble"
            )
        if not pretrained:
            raise ConfigError(
                f"backbone {name}: set backbone.pretrained=… to a tag of the architecture, a hub id, a local "
                "folder or a weight file"
            )
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.source: ClipSource = (
            FaceClipSource(name, pretrained)
            if architecture == "face_clip"
            else CheckpointSource(name, architecture, pretrained)
        )

    def check(self) -> None:
        """See ``Encoder.check``."""
        self.source.check()

    @property
    def dim(self) -> int:
        """Width of the embeddings, from the model's description."""
        return self.source.dim

    @cached_property
    def fingerprint(self) -> str:
        """See ``Encoder``; fetches weights that are not on this machine yet."""
        return fingerprint_of(self.name, {**self.source.identity(), "normalize": self.normalize})

    @cached_property
    def towers(self) -> Towers:
        """The model in evaluation mode, on its device."""
        towers = self.source.load()
        towers.model.to(chosen_device(self.device)).eval()
        return towers

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts: (N, D) float32."""
        require_texts(texts)
        return encode_in_batches(texts, self.batch_size, self.dim, self._encode_texts, by_length=True)

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings of N images, uint8 RGB (H, W, 3) of any size: (N, D) float32."""
        require_images(images)
        return encode_in_batches(images, self.batch_size, self.dim, self._encode_images, by_length=False)

    def _encode_texts(self, texts: list[str]) -> np.ndarray:
        return self._encode(self.towers.tokenize(texts), self.towers.encode_text)

    def _encode_images(self, images: list[np.ndarray]) -> np.ndarray:
        return self._encode(self.towers.pixels(images), self.towers.model.encode_image)

    def _encode(self, batch: Tensor, encode: Callable[[Tensor], Tensor]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            rows = encode(batch.to(self.towers.model.logit_scale.device)).float()
            if self.normalize:
                rows = torch.nn.functional.normalize(rows, dim=-1)
            return rows.cpu().numpy()
