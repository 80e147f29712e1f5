"""What every backbone can do, whatever library it comes from."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError, DataError

if TYPE_CHECKING:
    from emo3d_exp.backbones.text_tower import TextTower


class Encoder(ABC):
    """A frozen encoder of texts, and of images where ``modalities`` says so.

    Making one is cheap: the weights are read on the first call that needs them.

    Attributes:
        name: used in messages, folder names and the fingerprint.
        dim: width D of the embeddings, known without reading the weights.
        modalities: ``{"text"}`` or ``{"text", "image"}``.
        fingerprint: a short name for everything that decides an embedding's value (weights, pooling,
            preprocessing, normalisation). Two encoders with one fingerprint give the same embeddings.
        trainable: whether the weights are only where a training starts; see ``text_tower``.
    """

    name: str
    dim: int
    modalities: frozenset[str]
    fingerprint: str
    trainable: bool = False

    @abstractmethod
    def check(self) -> None:
        """Make sure, within 5 s, that the weights are on this machine or can be fetched.

        Raises WeightsUnavailableError with the file, where it would come from, and the offline choice.
        """

    @abstractmethod
    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts: (N, D) float32."""

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings of N images, uint8 RGB (H, W, 3) of any size: (N, D) float32.

        Raises ConfigError where the encoder reads text only.
        """
        raise ConfigError(
            f"backbone {self.name} encodes text only; images need a CLIP model (backbone=face_clip)"
        )

    def text_tower(self) -> TextTower | None:
        """A copy of the model to train along with the head, where ``trainable`` says so; else None."""
        return None


def checked_name(name: str) -> str:
    """The name of an encoder, which becomes a folder's. Raises ConfigError for one that cannot."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise ConfigError(f"backbone.name={name!r}: letters, digits, '_', '-' and '.' only")
    return name


def fingerprint_of(name: str, settings: dict[str, Any]) -> str:
    """``name-`` and 16 hex digits over plain settings, in whatever order they are given."""
    text = json.dumps(settings, sort_keys=True, allow_nan=False)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def require_texts(texts: Sequence[str]) -> None:
    """Raise TypeError for a lone string, which would be read letter by letter."""
    if isinstance(texts, str):
        raise TypeError("expected a sequence of texts, got one string")


def require_images(images: Sequence[np.ndarray]) -> None:
    """Raise DataError unless all images are uint8 (H, W, 3)."""
    for number, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise DataError(f"image {number}: expected uint8 (H, W, 3) RGB, got {image.dtype} {image.shape}")


def encode_in_batches(
    items: Sequence[Any],
    batch_size: int,
    dim: int,
    encode: Callable[[list[Any]], np.ndarray],
    by_length: bool,
) -> np.ndarray:
    """Apply ``encode`` (B items → (B, D)) to all items: (N, D) float32 in their order.

    ``by_length`` puts items of similar length into one batch, so that little is spent on padding.
    """
    embeddings = np.empty((len(items), dim), dtype=np.float32)
    order = sorted(range(len(items)), key=lambda i: -len(items[i])) if by_length else list(range(len(items)))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        embeddings[rows] = encode([items[i] for i in rows])
    return embeddings


def chosen_device(device: str) -> str:
    """A torch device: ``auto`` is the first GPU, or the CPU where there is none."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
