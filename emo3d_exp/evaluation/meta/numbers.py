"""The metric with a judge that sees no picture but the 52 numbers themselves: what it could tell at best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.evaluation.bank import PromptBank
from emo3d_exp.evaluation.meta.judging import Scale
from emo3d_exp.metrics import aggregate, emo3d_from_kl, kl_divergence
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import dominant, to_distribution

NUMBERS = "the 52 numbers"
"""Name of this judge."""


@dataclass(frozen=True)
class NumbersScale:
    """Looks up the ``k`` prompts of the bank whose true faces differ least from a face.

    Nothing is lost by drawing or by a model that looks at pictures, so with the same bank, k and ε no judge
    of pictures should be expected to tell more.

    Attributes:
        scale: the bank, k, ε, aggregation and ``exclude_self``. bank_faces: (M, 52) of the bank's prompts.
    """

    scale: Scale
    bank_faces: np.ndarray

    def values(self, faces: np.ndarray, prompts: Prompts) -> dict[str, np.ndarray]:
        """As :meth:`Scale.values`, of (N, 52) faces."""
        from scipy.spatial.distance import cdist

        scale, bank = self.scale, self.scale.bank
        apart = cdist(np.asarray(faces, np.float64), np.asarray(self.bank_faces, np.float64), "sqeuclidean")
        if scale.exclude_self:
            apart[prompts.sample_id[:, None] == bank.sample_id[None]] = np.inf
        nearest = np.argsort(apart, axis=1, kind="stable")[:, : scale.k]
        shown = to_distribution(bank.emotions)[nearest].mean(axis=1)
        kl = kl_divergence(to_distribution(prompts.emotions), shown, scale.eps)
        right = dominant(shown) == dominant(prompts.emotions)
        return {"emo3d": emo3d_from_kl(kl), "kl": kl, "right": right}

    def total(self, values: dict[str, np.ndarray]) -> float:
        """The value of the set."""
        return aggregate(values["kl"], self.scale.aggregation)


def faces_of(bank: PromptBank, candidates: Prompts) -> np.ndarray:
    """(M, 52) true faces of the bank's prompts, which were drawn from ``candidates``."""
    ids = zip(candidates.sample_id.tolist(), candidates.text_number.tolist(), strict=True)
    row = {key: place for place, key in enumerate(ids)}
    asked = zip(bank.sample_id.tolist(), bank.text_number.tolist(), strict=True)
    return candidates.blendshapes[[row[key] for key in asked]]
