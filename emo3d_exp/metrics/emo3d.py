"""The Emo3D metric as a torchmetrics metric."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from emo3d_exp.metrics.divergence import aggregate
from emo3d_exp.metrics.functional import emo3d_scores
from emo3d_exp.metrics.interval import Interval
from emo3d_exp.metrics.keyed import KeyedMetric
from emo3d_exp.vocab import EMOTIONS


class Emo3DMetric(KeyedMetric):
    """Does a judge see, in the picture of a predicted face, the emotions that the prompt asked for?

    Per sample 1/(1+exp(-KL(φ‖ψ̄))) with φ the prompt's emotion distribution and ψ̄ the mean distribution
    of the ``k`` bank prompts nearest to the picture (eqs 5 and 6 of the paper; smoothing in
    :func:`~emo3d_exp.metrics.divergence.kl_divergence`); :meth:`compute` is the mean over samples.

    Args:
        bank_features: (M, D) features of the bank's texts. bank_emotions: (M, 8) their intensities.
        k: neighbours, from 1 to M. eps: smoothing of both distributions.
        aggregation: of the samples, see :func:`~emo3d_exp.metrics.divergence.aggregate`.
        bank_ids: (M,) sample ids of the bank; where given, a sample is never led back to its own prompts.

    >>> one_hot = np.eye(8, dtype=np.float32)
    >>> metric = Emo3DMetric(one_hot, one_hot, k=1)
    >>> metric.update(one_hot[:2], one_hot[:2], sample_id=[0, 1], text_number=[1, 1])
    >>> metric.compute().item()
    0.5
    """

    name: ClassVar[str] = "emo3d"
    link: ClassVar[str] = "https://arxiv.org/abs/2410.02049"
    interval: ClassVar[Interval] = Interval(0.5, 1.0, upper_open=True)
    """With ``eps=0`` an emotion that no neighbour has makes KL infinite and the value 1."""
    higher_is_better = False

    def __init__(
        self,
        bank_features: Any,
        bank_emotions: Any,
        k: int = 10,
        eps: float = 1e-3,
        aggregation: str = "per_sample",
        bank_ids: Any = None,
    ) -> None:
        bank_features, bank_emotions = torch.as_tensor(bank_features), torch.as_tensor(bank_emotions)
        super().__init__(
            {
                "features": torch.empty(0, bank_features.shape[1], dtype=torch.float64),
                "emotions": torch.empty(0, len(EMOTIONS), dtype=torch.float64),
            }
        )
        self.k, self.eps, self.aggregation = k, eps, aggregation
        aggregate([0.0], aggregation)  # refuses another one at once
        self.bank_ids = None if bank_ids is None else np.array(bank_ids)
        self.register_buffer("bank_features", bank_features.clone(), persistent=False)
        self.register_buffer("bank_emotions", bank_emotions.clone(), persistent=False)
        if not 1 <= k <= len(self.bank_features):
            raise ValueError(f"k must lie in 1 … {len(self.bank_features)} (the bank's size), got {k}")

    def update(self, image_features: Any, prompt_emotions: Any, sample_id: Any, text_number: Any) -> None:
        """Add a batch: features (B, D) of the rendered faces, emotion intensities (B, 8) of the prompts,
        sample ids (B,) and text numbers (B,)."""
        self._append(sample_id, text_number, features=image_features, emotions=prompt_emotions)

    def compute(self) -> torch.Tensor:
        """The value of the set, a float64 scalar."""
        return torch.tensor(
            aggregate(self._values(self._rows())["kl"], self.aggregation), dtype=torch.float64
        )

    def _values(self, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        ids = None if self.bank_ids is None else rows["keys"][:, 0]
        return emo3d_scores(
            rows["features"], self.bank_features, rows["emotions"], self.bank_emotions, self.k, self.eps,
            ids, self.bank_ids,
        )  # fmt: skip
