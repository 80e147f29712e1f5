"""What must hold for any input: range, fixed points, and all that must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emo3d_exp.metrics import (
    Emo3DMetric,
    aggregate,
    best_of_references,
    blendshape_errors,
    emo3d_scores,
    jensen_shannon,
    kl_divergence,
    nearest,
    nearest_prompts,
    own_ranks,
)

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def case(seed: int, queries: int = 9, bank: int = 25, width: int = 5) -> tuple[np.ndarray, ...]:
    """Features with repeated rows (ties) and emotions with zeros."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(queries + bank, width))
    features[queries + 3] = 2 * features[queries + 1]
    emotions = rng.random((queries + bank, 8)) * (rng.random((queries + bank, 8)) > 0.6)
    emotions[np.arange(len(emotions)), rng.integers(0, 8, len(emotions))] += 0.1
    return features[:queries], features[queries:], emotions[:queries], emotions[queries:]


@quick
@given(seeds, st.integers(1, 25), st.sampled_from([1e-6, 1e-3, 0.1]))
def test_values_stay_in_their_ranges(seed: int, k: int, eps: float) -> None:
    scores = emo3d_scores(*case(seed), k=k, eps=eps)
    assert ((scores["emo3d"] >= 0.5) & (scores["emo3d"] < 1)).all()
    assert (scores["kl"] >= 0).all()
    assert ((scores["js"] >= 0) & (scores["js"] <= math.log(2))).all()
    np.testing.assert_allclose(scores["shown"].sum(axis=1), 1)
    assert aggregate(scores["kl"], "pooled") >= aggregate(scores["kl"]) - 1e-12


@quick
@given(seeds, st.integers(1, 12))
def test_equal_distributions_give_half(seed: int, k: int) -> None:
    images, bank, asked, _ = case(seed)
    same = np.repeat(asked[:1], len(bank), axis=0)
    scores = emo3d_scores(images[:1], bank, asked[:1] * 3, same, k=k)
    assert scores["emo3d"] == pytest.approx(0.5, abs=1e-12)
    assert scores["js"] == pytest.approx(0, abs=1e-12)


@quick
@given(seeds, st.integers(1, 6), st.sampled_from([0.0, 1e-3, 0.1]))
def test_the_value_rises_as_another_emotion_is_mixed_in(seed: int, k: int, eps: float) -> None:
    """Graded: what the neighbours show goes from what was asked for to what another prompt has."""
    rng = np.random.default_rng(seed)
    image, bank, (asked, other) = (
        rng.normal(size=(1, 4)),
        rng.normal(size=(k, 4)),
        rng.dirichlet([0.5] * 8, 2),
    )
    asked, other = asked + 1e-3, other + 1e-3
    values = []
    for share in np.linspace(0, 1, 9):
        shown = (1 - share) * asked / asked.sum() + share * other / other.sum()
        scores = emo3d_scores(image, bank, asked[None], np.repeat(shown[None], k, axis=0), k=k, eps=eps)
        values.append(float(scores["emo3d"][0]))
    assert values[0] == pytest.approx(0.5, abs=1e-12)
    assert (np.diff(values) > 0).all()


@quick
@given(seeds, st.floats(1e-3, 1e3))
def test_scale_of_features_and_intensities_does_not_matter(seed: int, scale: float) -> None:
    images, bank, asked, available = case(seed)
    one = emo3d_scores(images, bank, asked, available, k=4)
    other = emo3d_scores(images * scale, bank / scale, asked * scale, available * scale, k=4)
    np.testing.assert_array_equal(one["neighbours"], other["neighbours"])
    np.testing.assert_allclose(one["kl"], other["kl"], rtol=1e-9, atol=1e-12)


@quick
@given(seeds)
def test_the_order_of_the_bank_does_not_matter_where_nothing_ties(seed: int) -> None:
    images, bank, asked, available = case(seed)
    bank[3] += 0.1  # no longer a multiple of row 1
    order = np.random.default_rng(seed).permutation(len(bank))
    one = emo3d_scores(images, bank, asked, available, k=4)
    other = emo3d_scores(images, bank[order], asked, available[order], k=4)
    np.testing.assert_array_equal(one["neighbours"], order[other["neighbours"]])
    np.testing.assert_allclose(one["emo3d"], other["emo3d"], rtol=1e-12)


@quick
@given(seeds, st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_batches_order_repeats_and_dtype_do_not_matter(seed: int, drawn: list[int]) -> None:
    images, bank, asked, available = (values.astype(np.float32) for values in case(seed))
    numbers = np.ones(len(images), dtype=int)
    whole = Emo3DMetric(bank, available, k=4)
    whole.update(images, asked, np.arange(9), numbers)
    rows = np.array([*drawn, *np.random.default_rng(seed).permutation(9)])  # each at least once
    split = Emo3DMetric(torch.tensor(bank), torch.tensor(available), k=4)
    for part in np.array_split(rows, 3):
        split.update(torch.tensor(images[part]), asked[part].astype(np.float64), part, numbers[part])
    assert split.compute() == whole.compute()
    np.testing.assert_array_equal(split.per_sample()["neighbours"], whole.per_sample()["neighbours"])


@quick
@given(seeds, st.integers(1, 8), st.integers(1, 40), st.integers(2, 9))
def test_blocks_do_not_matter(seed: int, k: int, at_once: int, rows: int) -> None:
    images, bank, *_ = case(seed)
    ids, bank_ids = np.arange(9) % 3, np.arange(25) % 5
    whole = nearest_prompts(images, bank, k), nearest_prompts(images, bank, k, ids, bank_ids)
    ranks = own_ranks(images, bank[:9])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "SIMILARITIES_AT_ONCE", at_once)
        patch.setattr(nearest, "BANK_AT_ONCE", rows)
        np.testing.assert_array_equal(nearest_prompts(images, bank, k), whole[0])
        np.testing.assert_array_equal(nearest_prompts(images, bank, k, ids, bank_ids), whole[1])
        np.testing.assert_array_equal(own_ranks(images, bank[:9]), ranks)


@quick
@given(seeds, st.integers(1, 8))
def test_neighbours_and_ranks_equal_a_sorted_list(seed: int, k: int) -> None:
    images, bank, *_ = case(seed)
    ids, bank_ids = np.arange(9) % 3, np.arange(25) % 5

    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return round(float(one @ other) / math.hypot(*one) / math.hypot(*other), 10)

    for query, image in enumerate(images):
        order = sorted(range(25), key=lambda row: (-cosine(image, bank[row]), row))
        assert nearest_prompts(images, bank, k)[query].tolist() == order[:k]
        foreign = [row for row in order if bank_ids[row] != ids[query]]
        assert nearest_prompts(images, bank, k, ids, bank_ids)[query].tolist() == foreign[:k]
        among_nine = [row for row in order if row < 9]
        assert own_ranks(images, bank[:9])[query] == among_nine.index(query)


@quick
@given(seeds)
def test_divergences_equal_the_sums_of_the_definition(seed: int) -> None:
    p, q = np.random.default_rng(seed).dirichlet(np.full(8, 0.3), size=2)
    smooth = [[(x + 1e-3) / (1 + 8e-3) for x in row] for row in (p, q)]
    slow = sum(a * math.log(a / b) for a, b in zip(*smooth, strict=True))
    assert kl_divergence(p, q) == pytest.approx(slow, rel=1e-9, abs=1e-12)
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    half = [sum(a * math.log(a / m) for a, m in zip(row, middle, strict=True) if a > 0) / 2 for row in (p, q)]
    assert jensen_shannon(p, q) == pytest.approx(sum(half), rel=1e-9, abs=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))


def test_distributions_that_share_nothing_are_ln_2_apart() -> None:
    assert jensen_shannon(np.eye(8)[0], np.eye(8)[5]) == pytest.approx(math.log(2))


@quick
@given(seeds)
def test_face_errors_equal_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.random((3, 52)), rng.random((3, 52))
    errors = blendshape_errors(one, torch.tensor(other))
    for row in range(3):
        a, b = one[row, 1:], other[row, 1:]
        assert errors["mae"][row] == pytest.approx(sum(abs(x - y) for x, y in zip(a, b, strict=True)) / 51)
        assert errors["correlation"][row] == pytest.approx(np.corrcoef(a, b)[0, 1])
    regions = [key for key in errors if key.startswith("mse_") and key != "mse_51"]
    sizes = {"mse_brow": 5, "mse_cheek": 3, "mse_eye": 14, "mse_jaw": 4, "mse_mouth": 23, "mse_nose": 2}
    assert set(regions) == set(sizes)
    total = sum(errors[region] * sizes[region] for region in regions)
    np.testing.assert_allclose(total / 51, errors["mse_51"])
    faces = np.stack([other, rng.random((3, 52))], axis=1)
    faces[1, 1] = np.nan
    slow = [min(np.mean((one[r] - f) ** 2) for f in faces[r] if np.isfinite(f).all()) for r in range(3)]
    np.testing.assert_allclose(best_of_references(one, faces), slow)


def test_a_flat_face_has_no_correlation() -> None:
    errors = blendshape_errors(np.zeros((1, 52)), np.random.default_rng(0).random((1, 52)))
    assert np.isnan(errors["correlation"][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 21}, r"k=21: without its own sample the bank holds only 20 prompts for query 0"),
        ({"query_ids": np.arange(8)}, "8 query ids for 9 queries, 25 bank ids for 25 prompts"),
    ],
)
def test_own_samples_that_leave_too_little_are_refused(arguments: dict, message: str) -> None:
    images, bank, *_ = case(0)
    given = {"k": 3, "query_ids": np.zeros(9), "bank_ids": np.arange(25) % 5, **arguments}
    with pytest.raises(ValueError, match=message):
        nearest_prompts(images, bank, **given)


def test_unknown_aggregations_and_missing_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="aggregation='mean' is not one of per_sample, pooled"):
        Emo3DMetric(np.eye(8), np.eye(8), k=1, aggregation="mean")
    with pytest.raises(ValueError, match="no sample"):
        aggregate([])
    with pytest.raises(ValueError, match=r"samples \[1\] have no face"):
        best_of_references(np.zeros((2, 52)), np.stack([np.zeros((3, 52)), np.full((3, 52), np.nan)]))
    with pytest.raises(ValueError, match="not finite"):
        blendshape_errors(np.full((1, 52), np.inf), np.zeros((1, 52)))
