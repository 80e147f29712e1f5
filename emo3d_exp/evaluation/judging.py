"""What a judge sees in faces: their features under each look, and the prompts that lie near them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.bank import PromptBank
from emo3d_exp.evaluation.looks import LookSettings
from emo3d_exp.evaluation.pictures import face_features
from emo3d_exp.metrics import RECALLS
from emo3d_exp.metrics.arrays import unit_rows
from emo3d_exp.records import Prompts

if TYPE_CHECKING:
    from emo3d_exp.backbones import EmbeddingCache, Encoder
    from emo3d_exp.faces import Renderer

Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Judging:
    """The settings of :class:`~emo3d_exp.evaluation.Evaluator` that concern the judge."""

    renderer: Renderer
    judge: Encoder
    cache: EmbeddingCache
    looks: LookSettings
    k: int
    eps: float
    exclude_self: bool
    threads: int | None

    def values(self, faces: dict[str, np.ndarray], prompts: Prompts, bank: PromptBank) -> dict[str, Values]:
        """Values of every prompt for each set of faces (N, 52), and for ``text``, the texts themselves.

        Returns:
            for each the values of :func:`~emo3d_exp.metrics.emo3d_scores`, and for faces ``r_at_1``,
            ``r_at_5``, ``r_at_10`` (N,): the own text is among so many nearest of the N.
        """
        texts = self.cache.texts(self.judge, prompts.text)
        among = self.cache.texts(self.judge, bank.text)
        seen = {}
        for name, face in faces.items():
            views = self.views(face, shared=name != "prediction")  # the references are those of every system
            each = [self._emo3d(view, prompts, among, bank) | _recalls(view, texts) for view in views]
            seen[name] = _mean(each)
        return seen | {"text": self._emo3d(texts, prompts, among, bank)}

    def views(self, faces: np.ndarray, shared: bool = True) -> list[np.ndarray]:
        """(N, D) features for which neighbours are looked up: one for each look, or one mean of all looks."""
        each = [
            face_features(faces, self.renderer, self.judge, self.cache, self.threads, look, shared)
            for look in self.looks.looks()
        ]
        return (
            [np.mean([unit_rows(view) for view in each], axis=0)]
            if self.looks.average == "features"
            else each
        )

    def _emo3d(self, features: np.ndarray, prompts: Prompts, among: np.ndarray, bank: PromptBank) -> Values:
        from emo3d_exp.metrics import Emo3DMetric

        ids = bank.sample_id if self.exclude_self else None
        metric = Emo3DMetric(among, bank.emotions, self.k, self.eps, bank_ids=ids)
        metric.update(features, prompts.emotions, prompts.sample_id, prompts.text_number)
        return in_order(metric.per_sample(), prompts)


def in_order(values: Values, prompts: Prompts) -> Values:
    """Rows that a metric gives in the order of the keys, in the order of the prompts."""
    by_key = np.lexsort((prompts.text_number, prompts.sample_id))
    back = np.argsort(by_key)
    return {name: rows[back] for name, rows in values.items() if name not in ("sample_id", "text_number")}


def _mean(each: list[Values]) -> Values:
    """Means over views; the neighbours are those of the first."""
    return {
        name: first if name == "neighbours" else np.mean([values[name] for values in each], axis=0)
        for name, first in each[0].items()
    }


def _recalls(features: np.ndarray, texts: np.ndarray) -> Values:
    from emo3d_exp.metrics import own_ranks

    ranks = own_ranks(features, texts)
    return {f"r_at_{count}": ranks < count for count in RECALLS}
