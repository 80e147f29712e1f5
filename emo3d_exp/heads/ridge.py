"""Ridge regression from embeddings to blendshapes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.errors import ConfigError
from emo3d_exp.records import N_BLENDSHAPES

log = logging.getLogger(__name__)


class RidgeHead(nn.Module):
    """Embedding → blendshapes by ``x W + b``, cut off to [0, 1].

    ``W`` and ``b`` minimise ``Σ |y - x W - b|² + α |W|²`` over the training pairs; ``b`` is not penalised.
    They are buffers, not parameters, for no gradient ever changes them.

    Args:
        in_features: width D of the embedding.
        alphas: penalties to try, above 0; the one with the lowest validation error is kept.
        out_features: number of blendshapes.

    Raises:
        ConfigError: no penalty is given, or one is not above 0.
    """

    weight: Tensor
    bias: Tensor
    alpha: Tensor

    def __init__(
        self, in_features: int, alphas: Sequence[float] = (1.0,), out_features: int = N_BLENDSHAPES
    ) -> None:
        super().__init__()
        if not alphas or not all(isinstance(alpha, int | float) and alpha > 0 for alpha in alphas):
            raise ConfigError(f"head.alphas={list(alphas)}: give one or more numbers above 0")
        self.alphas = tuple(float(alpha) for alpha in alphas)
        self.register_buffer("weight", torch.zeros(out_features, in_features))
        self.register_buffer("bias", torch.zeros(out_features))
        self.register_buffer("alpha", torch.zeros(()))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 52) in [0, 1]."""
        return functional.linear(embedding, self.weight, self.bias).clamp(0.0, 1.0)

    @torch.no_grad()
    def fit(self, text: Tensor, faces: Tensor, val_text: Tensor, val_faces: Tensor) -> None:
        """Solve for every penalty, keep the best. ``text`` (N, D), ``faces`` (N, 52), and held-out ones."""
        text, faces = text.double(), faces.double()
        centre, mean_face = text.mean(dim=0), faces.mean(dim=0)
        # One eigendecomposition serves all penalties: they only add to the eigenvalues.
        values, vectors = torch.linalg.eigh((text - centre).T @ (text - centre))
        projected = vectors.T @ (text - centre).T @ (faces - mean_face)
        errors = []
        for alpha in self.alphas:
            weight = (vectors @ (projected / (values.clamp(min=0) + alpha)[:, None])).T
            self._set(weight, mean_face - weight @ centre, alpha)
            errors.append((float((self(val_text) - val_faces).square().mean()), alpha, weight))
        error, alpha, weight = min(errors, key=lambda entry: entry[0])
        self._set(weight, mean_face - weight @ centre, alpha)
        log.info("ridge: alpha %g has the lowest validation error %.5f", alpha, error)
        if len(self.alphas) > 1 and alpha in (min(self.alphas), max(self.alphas)):
            log.warning("ridge: alpha %g is at the end of head.alphas; widen them", alpha)

    def _set(self, weight: Tensor, bias: Tensor, alpha: float) -> None:
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.alpha.fill_(alpha)
