"""Effect sizes, AUC, ROC and rank correlations against slow references."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, spearmanr

from emo3d_exp.evaluation.meta import reactions
from emo3d_exp.evaluation.meta.reactions import (
    auc,
    auc_interval,
    effect,
    found_at,
    rank_correlation,
    rescued,
    roc,
)
from emo3d_exp.evaluation.meta.sensitivity import order_kept


def groups(ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    kept, changed = rng.normal(0, 1, 37), rng.normal(0.7, 1.4, 23)
    return (kept.round(), changed.round()) if ties else (kept, changed)


def auc_slowly(kept: np.ndarray, changed: np.ndarray) -> float:
    wins = [1.0 if b > a else 0.5 if b == a else 0.0 for a in kept for b in changed]
    return sum(wins) / len(wins)


@pytest.mark.parametrize("ties", [False, True])
def test_auc_counts_pairs(ties: bool) -> None:
    kept, changed = groups(ties)
    assert auc(kept, changed) == pytest.approx(auc_slowly(kept, changed), abs=1e-12)
    u = mannwhitneyu(changed, kept).statistic
    assert auc(kept, changed) == pytest.approx(u / (len(kept) * len(changed)), abs=1e-12)
    assert auc(kept, changed) + auc(changed, kept) == pytest.approx(1)


def test_auc_of_extremes_and_of_nothing() -> None:
    assert auc(np.arange(3), np.arange(3, 5)) == 1
    assert auc(np.arange(3, 5), np.arange(3)) == 0
    assert auc(np.zeros(4), np.zeros(2)) == 0.5
    assert math.isnan(auc(np.zeros(4), np.zeros(0)))


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_below_the_curve_is_the_auc(ties: bool) -> None:
    kept, changed = groups(ties)
    false, true = roc(kept, changed)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all() and (np.diff(true) >= 0).all()
    assert np.trapezoid(true, false) == pytest.approx(auc(kept, changed), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("alarms", [0.0, 0.05, 0.1, 0.5])
def test_found_at_is_the_best_of_all_thresholds(ties: bool, alarms: float) -> None:
    kept, changed = groups(ties)
    best = 0.0
    for threshold in [*kept, *changed]:
        if np.mean(kept > threshold) <= alarms:
            best = max(best, float(np.mean(changed > threshold)))
    assert found_at(kept, changed, alarms) == pytest.approx(best, abs=1e-12)


def test_effect_is_cohens_d_of_paired_differences() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1.0, 200)
    found = effect(differences, replicates=500, seed=0)
    assert found["mean"] == pytest.approx(differences.mean())
    assert found["dz"] == pytest.approx(differences.mean() / differences.std())
    rng = np.random.default_rng(1)
    drawn = [rng.choice(differences, 200) for _ in range(2000)]
    slow = np.quantile([d.mean() / d.std() for d in drawn], [0.025, 0.975])
    assert [found["dz_low"], found["dz_high"]] == pytest.approx(slow, abs=0.03)
    slow = np.quantile([d.mean() for d in drawn], [0.025, 0.975])
    assert [found["mean_low"], found["mean_high"]] == pytest.approx(slow, abs=0.03)
    assert found == effect(differences, replicates=500, seed=0)


def test_effect_without_any_difference_has_no_size() -> None:
    found = effect(np.zeros(20), replicates=50, seed=0)
    assert (found["mean"], found["mean_low"], found["mean_high"]) == (0, 0, 0)
    assert (found["dz"], found["dz_low"], found["dz_high"]) == (None, None, None)


def test_the_interval_of_a_statistic_covers_it() -> None:
    values = np.random.default_rng(2).normal(1, 1, 300)
    found = auc_interval(lambda rows: float(values[rows].mean()), 300, replicates=600, seed=0)
    assert found["value"] == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(300)
    ends = [values.mean() - half, values.mean() + half]
    assert [found["low"], found["high"]] == pytest.approx(ends, abs=0.02)


@pytest.mark.parametrize("at_once", [1, 4, 256])
def test_rescued_counts_pairs(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "KEPT_AT_ONCE", at_once)
    rng = np.random.default_rng(4)
    kept, changed, kept_error, changed_error = (rng.normal(size=n).round(1) for n in (11, 13, 11, 13))
    pairs = [
        (b > a, d > c)
        for a, c in zip(kept, kept_error, strict=True)
        for b, d in zip(changed, changed_error, strict=True)
    ]
    found = rescued(kept, changed, kept_error, changed_error)
    second_wrong = [first for first, second in pairs if not second]
    first_wrong = [second for first, second in pairs if not first]
    assert found["second_wrong"] == pytest.approx(len(second_wrong) / len(pairs))
    assert found["first_right_there"] == pytest.approx(np.mean(second_wrong))
    assert found["first_wrong"] == pytest.approx(len(first_wrong) / len(pairs))
    assert found["second_right_there"] == pytest.approx(np.mean(first_wrong))
    assert rescued([0], [1], [0], [1])["first_right_there"] is None


def test_rescued_holds_no_matrix_of_all_pairs() -> None:
    rng = np.random.default_rng(6)
    groups = [rng.normal(size=4000) for _ in range(4)]
    tracemalloc.start()
    found = rescued(*groups)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 < found["second_wrong"] < 0.6
    assert peak < 4000 * 4000 / 2


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(5)
    amounts, values = np.linspace(0, 1, 9), rng.random((6, 9)).round(1)
    for row, found in zip(values, rank_correlation(amounts, values), strict=True):
        assert found == pytest.approx(spearmanr(amounts, row).statistic, abs=1e-12)
    assert rank_correlation(amounts, np.exp(amounts)).tolist() == pytest.approx([1])
    assert rank_correlation(amounts, np.full((1, 9), 0.5)).tolist() == [0]


def test_order_kept_counts_pairs_of_contenders() -> None:
    values = np.array([[1.0, 1.0, 3.5], [2.0, 2.0, 2.0], [3.0, 3.0, 3.0]])  # the first overtakes both once
    assert order_kept(values) == pytest.approx((9 - 2) / 9)
    assert order_kept(values[:1]) is None
