"""Paired differences against a slow reference, and the sentences that tell them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.pairing import (
    Difference,
    compared_figures,
    difference,
    in_brackets,
    read_values,
    replicates_of,
    sentence,
    short,
)


def table(values: list[float], ids: list[int], numbers: list[int], figure: str = "emo3d") -> pd.DataFrame:
    rows = pd.DataFrame({"sample_id": ids, "text_number": numbers, figure: values})
    return rows.set_index(["sample_id", "text_number"])


def slow_difference(ours: dict, theirs: dict, draws: int, seed: int) -> tuple[float, float, float]:
    """Prompt by prompt, then samples drawn one after the other."""
    apart = {key: ours[key] - theirs[key] for key in ours}
    samples = sorted({key[0] for key in apart})
    rng, means = np.random.default_rng(seed), []
    for _ in range(draws):
        drawn = rng.choice(samples, len(samples))
        rows = [apart[key] for sample in drawn for key in apart if key[0] == sample]
        means.append(np.mean(rows))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(np.mean(list(apart.values()))), float(low), float(high)


def test_the_difference_is_that_of_a_slow_reference() -> None:
    rng = np.random.default_rng(0)
    ids = [5, 5, 5, 9, 9, 2, 7, 7, 1, 11]
    numbers = [1, 2, 3, 1, 2, 1, 1, 2, 1, 1]
    ours, theirs = rng.random(10), rng.random(10)
    order = rng.permutation(10)
    found = difference(
        table(ours.tolist(), ids, numbers),
        table(theirs[order].tolist(), np.array(ids)[order].tolist(), np.array(numbers)[order].tolist()),
        "emo3d",
    )
    keys = list(zip(ids, numbers, strict=True))
    expected = slow_difference(
        dict(zip(keys, ours, strict=True)), dict(zip(keys, theirs, strict=True)), 4000, 3
    )
    assert found.mean == pytest.approx(expected[0], abs=1e-12)
    assert (found.low, found.high) == pytest.approx(expected[1:], abs=0.03), "two draws of one distribution"
    assert (found.prompts, found.samples) == (10, 6)


def test_turned_round_it_changes_its_sign_alone() -> None:
    rng = np.random.default_rng(1)
    one, other = (table(rng.random(30).tolist(), list(range(30)), [1] * 30) for _ in range(2))
    forth, back = difference(one, other, "emo3d"), difference(other, one, "emo3d")
    assert (back.mean, back.low, back.high) == pytest.approx((-forth.mean, -forth.high, -forth.low))
    same = difference(one, one, "emo3d")
    assert (same.mean, same.low, same.high) == (0, 0, 0) and not same.beyond_chance


@pytest.mark.parametrize("ids", [[1, 2], [1, 2, 4]])
def test_other_prompts_are_refused(ids: list[int]) -> None:
    theirs = table([0.5] * len(ids), ids, [1] * len(ids))
    with pytest.raises(DataError, match="different prompts"):
        difference(table([0.5] * 3, [1, 2, 3], [1] * 3), theirs, "emo3d")


@pytest.mark.parametrize(
    ("figure", "values", "told"),
    [
        ("emo3d", (-0.012, -0.022, -0.001), "a is lower than b by .012 [.001, .022]"),
        ("emo3d", (0.012, 0.001, 0.022), "a is higher than b by .012 [.001, .022]"),
        (
            "emo3d",
            (0.002, -0.001, 0.005),
            "no difference between a and b beyond chance (+.002 [-.001, +.005])",
        ),
        ("emo3d", (0.01, 0.0003, 0.02), "a is higher than b by .0100 [.0003, .0200]"),
        ("mse", (-0.0021, -0.0032, -0.001), "a is lower than b by .0021 [.0010, .0032]"),
        ("mse", (0.0, 0.0, 0.0), "no difference between a and b beyond chance (.0000 [.0000, .0000])"),
        ("emo3d_kl", (1.25, 1.0, 1.5), "a is higher than b by 1.250 [1.000, 1.500]"),
    ],
)
def test_sentences(figure: str, values: tuple[float, float, float], told: str) -> None:
    assert sentence("a", "b", Difference(figure, *values, prompts=19, samples=10)) == told


def test_few_samples_give_no_verdict() -> None:
    """Their interval is too narrow, and that of one sample has no width."""
    one = difference(table([0.6, 0.6], [1, 1], [1, 2]), table([0.5, 0.5], [1, 1], [1, 2]), "emo3d")
    assert (one.low, one.high) == pytest.approx((one.mean, one.mean)) and not one.beyond_chance
    assert sentence("a", "b", one) == "too few samples to tell a from b (+.100, 1 sample)"
    nine = Difference("emo3d", 0.1, 0.05, 0.2, prompts=20, samples=9)
    assert not nine.beyond_chance and in_brackets(nine) == "+.100, 9 samples"
    assert Difference("emo3d", 0.1, 0.05, 0.2, prompts=20, samples=10).beyond_chance


def test_a_difference_is_as_sure_as_what_its_results_were_made_with() -> None:
    rng = np.random.default_rng(2)
    one, other = (table(rng.random(30).tolist(), list(range(30)), [1] * 30) for _ in range(2))
    replicates = replicates_of({"bootstrap": 7}, {"bootstrap": 50}, {})
    assert (replicates, replicates_of({}, {})) == (50, 1000)
    found = difference(one, other, "emo3d", replicates)
    assert found == difference(one, other, "emo3d", 50) != difference(one, other, "emo3d")


def test_an_end_beside_zero_does_not_read_as_zero() -> None:
    tiny = Difference("mse", -1e-5, -2e-5, -4e-6, 10, 10)
    assert in_brackets(tiny) == "-.000010 [-.000020, -.000004]"
    assert (short(-0.0004, ".3f"), short(1234.0, ",.0f"), short(0.5, "+.1f")) == (".000", "1,234", "+.5")


def test_a_pooled_value_is_compared_by_its_divergence(tmp_path: Path) -> None:
    assert compared_figures({"mse": 1, "emo3d": 1}, {"aggregation": "pooled"}) == ("emo3d_kl", "mse")
    assert compared_figures({"mse": 1, "emo3d": 1}, {"aggregation": "per_sample"}) == ("emo3d", "mse")
    assert compared_figures({"mse": 1}, {}) == ("mse",)
    assert read_values(tmp_path / "metrics.json", ["mse"]) is None
    rows = {"sample_id": [1, 2], "text_number": [1, 1], "kl": [0.5, 1.5], "mse": [0.1, 0.2]}
    pd.DataFrame(rows).to_parquet(tmp_path / "per_sample.parquet")
    found = read_values(tmp_path / "metrics.json", ["emo3d_kl", "mse"])
    assert found["emo3d_kl"].tolist() == [0.5, 1.5] and found.index.tolist() == [(1, 1), (2, 1)]
