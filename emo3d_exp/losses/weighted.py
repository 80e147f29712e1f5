"""The step that every loss shares: named terms, one weight each, one sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emo3d_exp.errors import ConfigError


class WeightedLoss(nn.Module, ABC):
    """A sum of named terms, each with its weight.

    Args:
        weights: weight of each term by name, at least 0.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        negative = {name: weight for name, weight in weights.items() if not weight >= 0}
        if negative:
            raise ConfigError(f"loss weights must be 0 or more, got {negative}")
        self.weights = {name: float(weight) for name, weight in weights.items()}

    @abstractmethod
    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalar terms by name, before weighting."""

    def forward(
        self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum (scalar) and the unweighted terms.

        Raises:
            ConfigError: terms and weights do not match one to one.
        """
        terms = self.terms(outputs, batch)
        if terms.keys() != self.weights.keys():
            raise ConfigError(
                f"{type(self).__name__}: the loss has terms {sorted(terms)} but weights for "
                f"{sorted(self.weights)}; each term needs one weight"
            )
        return torch.stack([self.weights[name] * term for name, term in terms.items()]).sum(), terms
