"""Features of changed faces, and the values that a bank, k and ε make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.bank import PromptBank, check_neighbours, select_bank
from emo3d_exp.evaluation.pictures import face_features
from emo3d_exp.metrics import aggregate, emo3d_scores
from emo3d_exp.metrics.arrays import unit_rows
from emo3d_exp.vocab import dominant

if TYPE_CHECKING:
    from emo3d_exp.evaluation.evaluator import Evaluator
    from emo3d_exp.faces import Look
    from emo3d_exp.records import Prompts


@dataclass(frozen=True)
class Scale:
    """One way to make values of features.

    Attributes:
        bank: M prompts. features: (M, D) of their texts.
        k, eps, aggregation, exclude_self, average: as in the group ``metric`` (``average`` of its ``looks``).
    """

    bank: PromptBank
    features: np.ndarray
    k: int
    eps: float
    aggregation: str
    exclude_self: bool
    average: str

    def values(self, views: np.ndarray, prompts: Prompts) -> dict[str, np.ndarray]:
        """``emo3d`` (N,), ``kl`` (N,) and ``right`` (N,) bool, the dominant emotion is seen.

        Args:
            views: (L, N, D) unit features of N faces under L looks. prompts: N.

        Raises:
            DataError: the bank is smaller than k, a sample's own prompts left out.
        """
        check_neighbours(prompts, self.bank, self.k, self.exclude_self)
        if self.average == "features":
            views = views.mean(axis=0, keepdims=True)
        ids = (prompts.sample_id, self.bank.sample_id) if self.exclude_self else (None, None)
        each = [
            emo3d_scores(view, self.features, prompts.emotions, self.bank.emotions, self.k, self.eps, *ids)
            for view in views
        ]
        mean = {name: np.mean([seen[name] for seen in each], axis=0) for name in ("emo3d", "kl", "shown")}
        right = dominant(mean.pop("shown")) == dominant(prompts.emotions)
        return mean | {"right": right}

    def total(self, values: dict[str, np.ndarray]) -> float:
        """The value of the set."""
        if self.aggregation == "pooled":
            return aggregate(values["kl"], "pooled")
        return float(values["emo3d"].mean())


class FaceJudge:
    """Draws and embeds faces by an evaluator's parts.

    Args:
        evaluator: with a judge. candidates: prompts that banks are drawn from.
        advance: called after each look of each set of faces, to move a progress bar.
    """

    def __init__(self, evaluator: Evaluator, candidates: Prompts, advance: Callable[[], None]) -> None:
        self.evaluator, self.candidates, self.advance = evaluator, candidates, advance

    def views(self, faces: np.ndarray, looks: Sequence[Look]) -> np.ndarray:
        """(L, N, D) float64 unit features of (N, 52) faces under L looks."""
        found = []
        for look in looks:
            e = self.evaluator
            view = face_features(faces, e.renderer, e.judge, e.cache, e.threads, look).astype(np.float64)
            found.append(unit_rows(view))
            self.advance()
        return np.stack(found)

    def scale(
        self,
        k: int | None = None,
        eps: float | None = None,
        size: int | None = None,
        seed: int | None = None,
        average: str | None = None,
    ) -> Scale:
        """The evaluator's own way to make values, but for what is given here (bank: ``size``, ``seed``)."""
        e = self.evaluator
        settings = replace(
            e.bank,
            size=e.bank.size if size is None else size,
            seed=e.bank.seed if seed is None else seed,
        )
        bank = select_bank(self.candidates, settings.size, settings.seed)
        return Scale(
            bank=bank,
            features=e.cache.texts(e.judge, bank.text),
            k=e.k if k is None else k,
            eps=e.eps if eps is None else eps,
            aggregation=e.aggregation,
            exclude_self=e.exclude_self,
            average=average or e.looks.average,
        )
