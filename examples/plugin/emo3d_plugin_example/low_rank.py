"""Ridge regression of reduced rank: texts move the face along a few directions only."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.errors import ConfigError
from emo3d_exp.models.closed_form import ClosedForm
from emo3d_exp.records import N_BLENDSHAPES


class LowRankHead(nn.Module):
    """Embedding → blendshapes by ``x W + b``, cut off to [0, 1], where ``W`` has rank ``rank`` at most.

    ``W`` is ridge regression's, projected on the strongest directions of its answers to the training texts
    (Mukherjee and Zhu, "Reduced rank ridge regression and its kernel extensions", 2011).

    Args:
        in_features: width D of the embedding.
        rank: directions of faces that are kept. alpha: ridge regression's penalty.

    Raises:
        ConfigError: the rank is not 1 to 52, or the penalty not above 0.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, in_features: int, rank: int, alpha: float) -> None:
        super().__init__()
        if not 1 <= rank <= N_BLENDSHAPES:
            raise ConfigError(f"head.rank={rank} must be 1 to {N_BLENDSHAPES}")
        if not alpha > 0:
            raise ConfigError(f"head.alpha={alpha} must be above 0")
        self.rank, self.alpha = rank, alpha
        # Buffers, not parameters: they are solved for, and no gradient ever changes them.
        self.register_buffer("weight", torch.zeros(N_BLENDSHAPES, in_features))
        self.register_buffer("bias", torch.zeros(N_BLENDSHAPES))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 52) in [0, 1]."""
        return functional.linear(embedding, self.weight, self.bias).clamp(0.0, 1.0)

    @torch.no_grad()
    def fit(self, text: Tensor, faces: Tensor, val_text: Tensor, val_faces: Tensor) -> None:
        """Solve for ``text`` (N, D) and ``faces`` (N, 52). The held-out pairs are not looked at."""
        text, faces = text.double(), faces.double()
        centre, mean_face = text.mean(dim=0), faces.mean(dim=0)
        rows = text - centre
        penalty = self.alpha * torch.eye(rows.shape[1], dtype=rows.dtype)
        weight = torch.linalg.solve(rows.T @ rows + penalty, rows.T @ (faces - mean_face))
        directions = torch.linalg.svd(rows @ weight, full_matrices=False).Vh[: self.rank]
        weight = weight @ directions.T @ directions
        self.weight.copy_(weight.T)
        self.bias.copy_(mean_face - centre @ weight)


class LowRank(ClosedForm):
    """Reduced-rank ridge regression from the text embedding.

    Args:
        head: the regression.
    """

    def __init__(self, head: LowRankHead) -> None:
        super().__init__(head)
