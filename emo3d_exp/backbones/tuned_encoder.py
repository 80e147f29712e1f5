"""A language model that was trained along with a head, as an encoder of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from emo3d_exp.backbones.encoder import Encoder, chosen_device, encode_in_batches, require_texts
from emo3d_exp.backbones.text_tower import TextTower
from emo3d_exp.backbones.transformers_encoder import TransformersEncoder


class TunedEncoder(Encoder):
    """Embeddings of a trained tower. Its fingerprint is not that of the weights it started from, so that a
    cache never takes the one's embeddings for the other's.

    Args:
        start: the encoder that the tower was made from. tower: with its trained weights; it is moved to the
            encoder's device and put into evaluation mode.
    """

    modalities = frozenset({"text"})

    def __init__(self, start: TransformersEncoder, tower: TextTower) -> None:
        self.start, self.name, self.dim = start, start.name, start.dim
        self.device = chosen_device(start.device)
        self.tower = tower.to(self.device).eval()

    @cached_property
    def fingerprint(self) -> str:
        """See ``Encoder``: that of the start, and 16 hex digits over the trained tensors."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.tower.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return f"{self.start.fingerprint}-tuned-{digest.hexdigest()[:16]}"

    def check(self) -> None:
        """See ``Encoder.check``."""
        self.start.check()

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts: (N, D) float32."""
        require_texts(texts)
        return encode_in_batches(texts, self.start.batch_size, self.dim, self._encode, by_length=True)

    def _encode(self, texts: list[str]) -> np.ndarray:
        import torch

        tokens = self.start.token_rows(texts).batch(np.arange(len(texts)))
        with torch.inference_mode():
            embeddings = self.tower({name: tensor.to(self.device) for name, tensor in tokens.items()})
        return embeddings.cpu().numpy()
