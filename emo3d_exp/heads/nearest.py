"""Faces of the nearest known texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.errors import ConfigError
from emo3d_exp.records import N_BLENDSHAPES

ROWS = 1024
"""Texts that are compared with the bank at once."""


class NearestHead(nn.Module):
    """Embedding → mean of the faces of the k training texts with the highest cosine.

    The bank (``texts`` (N, D) of length 1 and ``faces`` (N, 52)) lies in the state, and so in the weights
    file. A training text with several faces is in it once, with their mean.

    Args:
        in_features: width D of the embedding.
        k: nearest texts whose faces are averaged.
        out_features: number of blendshapes.

    Raises:
        ConfigError: ``k`` is below 1.
    """

    texts: Tensor
    faces: Tensor

    def __init__(self, in_features: int, k: int = 1, out_features: int = N_BLENDSHAPES) -> None:
        super().__init__()
        if k < 1:
            raise ConfigError(f"head.k={k} must be at least 1")
        self.k = k
        self.register_buffer("texts", torch.zeros(0, in_features))
        self.register_buffer("faces", torch.zeros(0, out_features))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 52) in [0, 1]."""
        nearest = [
            (functional.normalize(rows, dim=-1) @ self.texts.T).topk(self.k, dim=-1).indices
            for rows in embedding.split(ROWS)
        ]
        return self.faces[torch.cat(nearest)].mean(dim=1)

    @torch.no_grad()
    def fit(self, text: Tensor, faces: Tensor, val_text: Tensor, val_faces: Tensor) -> None:
        """Fill the bank from ``text`` (N, D) and ``faces`` (N, 52); the held-out ones are not looked at.

        Raises:
            ConfigError: there are fewer distinct texts than ``k``.
        """
        known, row = text.unique(dim=0, return_inverse=True)
        if len(known) < self.k:
            raise ConfigError(f"head.k={self.k}: the training part has {len(known)} distinct texts only")
        sums = torch.zeros(len(known), faces.shape[1], dtype=torch.float64).index_add_(0, row, faces.double())
        self.texts = functional.normalize(known, dim=-1)
        self.faces = (sums / row.bincount()[:, None]).to(faces.dtype)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        # Torch loads into tensors of the stored shape alone, and the length of the bank is the data's.
        stored = state_dict.get(prefix + "texts")
        if stored is not None and stored.dim() == 2:
            self.texts = self.texts.new_empty(len(stored), self.texts.shape[1])
            self.faces = self.faces.new_empty(len(stored), self.faces.shape[1])
        super()._load_from_state_dict(state_dict, prefix, *args)
