"""How far the metric's own settings move its values and what it tells apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.evaluation.meta.judging import FaceJudge, Scale
from emo3d_exp.evaluation.meta.settings import MetaSettings
from emo3d_exp.records import Prompts

if TYPE_CHECKING:
    from emo3d_exp.evaluation.evaluator import Evaluator
    from emo3d_exp.evaluation.meta.numbers import NumbersScale

Views = Mapping[str, np.ndarray]
"""Name of a set → (L, N, D) unit features."""

Tells = Callable[[Mapping[str, np.ndarray]], float]

TRUE, OTHER = "true", "other_emotion"
"""The true faces, and the whole faces of other emotions."""


def setting_row(
    value: Any, scale: Scale | NumbersScale, views: Views, prompts: Prompts, tells: Tells
) -> dict[str, Any]:
    """What one setting of the metric makes of the sets.

    Args:
        value: of the setting, as it is told. views: of ``true``, ``other_emotion`` and all changes.
        tells: AUC of telling the changes apart, from the (N,) values of all sets.

    Returns:
        ``value``; ``ground_truth`` and ``other_emotion``, values of the two sets; ``apart``, the latter minus
        the former in standard deviations of the paired differences; ``auc``.
    """
    values = {name: scale.values(view, prompts) for name, view in views.items()}
    each = {name: found["emo3d"] for name, found in values.items()}
    rise = each[OTHER] - each[TRUE]
    return {
        "value": value,
        "ground_truth": scale.total(values[TRUE]),
        OTHER: scale.total(values[OTHER]),
        "apart": float(rise.mean() / max(rise.std(), 1e-12)),
        "auc": tells(each),
    }


def compare_settings(
    judge: FaceJudge, views: Views, prompts: Prompts, settings: MetaSettings, tells: Tells
) -> dict[str, list[dict[str, Any]]]:
    """The metric with other k, ε, bank sizes and looks, one at a time: name → rows of :func:`setting_row`.

    Args:
        views: under as many looks as the largest of ``settings.looks``.
    """
    usual = {name: view[: judge.evaluator.looks.count] for name, view in views.items()}

    def rows(name: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        return [setting_row(v, judge.scale(**{name: v}), usual, prompts, tells) for v in values]

    def looks(counts: Sequence[int], average: str) -> list[dict[str, Any]]:
        scale = judge.scale(average=average)
        first = {count: {name: view[:count] for name, view in views.items()} for count in counts}
        return [setting_row(count, scale, first[count], prompts, tells) for count in counts]

    return {
        "k": rows("k", settings.ks),
        "eps": rows("eps", settings.epsilons),
        "bank": rows("size", settings.banks),
        "looks_features_averaged": looks(settings.looks, "features"),
        "looks_values_averaged": looks(settings.looks, "values"),
    }


def redraw_bank(
    judge: FaceJudge, contenders: Views, prompts: Prompts, settings: MetaSettings
) -> dict[str, Any]:
    """Values with banks that are drawn with other seeds, from the metric's own seed on.

    Args:
        contenders: under the metric's own looks; ``true`` is one of them.

    Returns:
        ``seeds``; ``values``: name → value with each bank; ``mean`` and ``sd`` of each name; and
        ``order_kept``: the share of the pairs of contenders that stand in the order of their mean values,
        over all banks (None with one contender).
    """
    first = judge.evaluator.bank.seed
    seeds = list(range(first, first + settings.redraws))
    scales = [judge.scale(seed=seed) for seed in seeds]
    values = {
        name: [scale.total(scale.values(view, prompts)) for scale in scales]
        for name, view in contenders.items()
    }
    return {
        "seeds": seeds,
        "values": values,
        "mean": {name: float(np.mean(each)) for name, each in values.items()},
        "sd": {name: float(np.std(each, ddof=1)) for name, each in values.items()},
        "order_kept": order_kept(np.array(list(values.values()))),
    }


def order_kept(values: np.ndarray) -> float | None:
    """Share of pairs of the C contenders that stand as their means do, over B banks; values: (C, B)."""
    one, other = np.triu_indices(len(values), 1)
    if not len(one):
        return None
    wanted = np.sign(values.mean(axis=1)[one] - values.mean(axis=1)[other])
    return float((np.sign(values[one] - values[other]) == wanted[:, None]).mean())


def check_sizes(own: Evaluator, settings: MetaSettings) -> None:
    """Raise ConfigError where a k is above the bank that it is measured with."""
    smallest, largest = min([own.bank.size, *settings.banks]), max([own.k, *settings.ks])
    if own.k > smallest or largest > own.bank.size:
        raise ConfigError(
            f"meta: k up to {largest} with a bank of {own.bank.size}, and metric.k={own.k} with banks from "
            f"{smallest} prompts: k must not be above the bank's size; set meta.ks=[…] or meta.banks=[…]"
        )
