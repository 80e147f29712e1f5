"""The functional core against slow, obvious loops."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import torch

from emo3d_exp.metrics import (
    blendshape_errors,
    emo3d_from_kl,
    emo3d_scores,
    kl_divergence,
    nearest,
    nearest_prompts,
    own_ranks,
)


def slow_kl(p, q, eps):
    p, q = [x + eps for x in p], [x + eps for x in q]
    p, q = [x / sum(p) for x in p], [x / sum(q) for x in q]
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def slow_nearest(query, bank, k):
    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    return sorted(range(len(bank)), key=lambda row: (-round(cosine(query, bank[row]), 10), row))[:k]


def slow_emo3d(image, bank, prompt_emotions, bank_emotions, k, eps):
    neighbours = slow_nearest(image, bank, k)
    phi = [x / sum(prompt_emotions) for x in prompt_emotions]
    shown = [[x / sum(bank_emotions[row]) for x in bank_emotions[row]] for row in neighbours]
    psi = [sum(column) / k for column in zip(*shown, strict=True)]
    kl = slow_kl(phi, psi, eps)
    return neighbours, kl, 1 / (1 + math.exp(-kl))


def random_case(rng, queries=17, bank=40, width=6):
    emotions = rng.random((queries + bank, 8)) * (rng.random((queries + bank, 8)) > 0.5)
    emotions[:, 1] += 0.01
    features = rng.normal(size=(queries + bank, width))
    return features[:queries], features[queries:], emotions[:queries], emotions[queries:]


@pytest.mark.parametrize(("k", "eps"), [(1, 1e-3), (10, 1e-3), (10, 0.1), (40, 0.0)])
def test_scores_equal_the_slow_loop(k, eps):
    images, bank, prompt_emotions, bank_emotions = random_case(np.random.default_rng(0))
    if eps == 0:
        bank_emotions = bank_emotions + 1e-3
    scores = emo3d_scores(images, bank, prompt_emotions, bank_emotions, k, eps)
    for row, image in enumerate(images):
        neighbours, kl, value = slow_emo3d(
            image.tolist(), bank.tolist(), prompt_emotions[row].tolist(), bank_emotions.tolist(), k, eps
        )
        assert scores["neighbours"][row].tolist() == neighbours
        assert scores["kl"][row] == pytest.approx(kl, rel=1e-9, abs=1e-12)
        assert scores["emo3d"][row] == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(scores["shown"].sum(axis=1), 1)


def test_torch_and_numpy_give_the_same():
    arrays = random_case(np.random.default_rng(1))
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    for name, values in emo3d_scores(*arrays).items():
        np.testing.assert_array_equal(values, emo3d_scores(*tensors)[name])


def test_equal_distributions_give_half_exactly():
    p = np.random.default_rng(2).dirichlet(np.full(8, 0.2), size=100)
    for eps in (0.0, 1e-3, 1.0):
        assert (emo3d_from_kl(kl_divergence(p, p, eps)) == 0.5).all()


def test_kl_is_infinite_only_without_smoothing():
    p, q = np.eye(8)[0], np.eye(8)[1]
    assert kl_divergence(p, q, eps=0) == np.inf
    assert emo3d_from_kl(np.inf) == 1
    assert 0.99 < emo3d_from_kl(kl_divergence(p, q, eps=1e-3)) < 1


def test_more_smoothing_brings_distributions_closer():
    p, q = np.random.default_rng(3).dirichlet(np.ones(8), size=2)
    values = [float(kl_divergence(p, q, eps)) for eps in (0, 1e-3, 1e-1, 10)]
    assert values == sorted(values, reverse=True)


def test_ties_go_to_the_lower_row_also_for_scaled_copies():
    rng = np.random.default_rng(4)
    query, row = rng.normal(size=(1, 256)), rng.normal(size=256)
    row *= np.sign(row @ query[0])
    bank = np.stack([-row, 3 * row, row, 0.1 * row, 7 * row])
    assert nearest_prompts(query, bank, 4).tolist() == [[1, 2, 3, 4]]


def test_nearest_does_not_depend_on_chunks_or_scale(monkeypatch):
    rng = np.random.default_rng(5)
    queries, bank = rng.normal(size=(33, 8)), rng.normal(size=(20, 8)).round(1)
    whole = nearest_prompts(queries, bank, 7)
    monkeypatch.setattr(nearest, "SIMILARITIES_AT_ONCE", 23)
    monkeypatch.setattr(nearest, "BANK_AT_ONCE", 6)
    np.testing.assert_array_equal(nearest_prompts(queries * 100, bank * 0.01, 7), whole)


def test_blendshape_errors_equal_the_slow_loop():
    rng = np.random.default_rng(6)
    predicted, target = rng.random((5, 52)), rng.random((5, 52))
    errors = blendshape_errors(predicted, torch.tensor(target))
    for row in range(5):
        squares = [(predicted[row, i] - target[row, i]) ** 2 for i in range(52)]
        assert errors["mse"][row] == pytest.approx(sum(squares) / 52)
        assert errors["mse_51"][row] == pytest.approx(sum(squares[1:]) / 51)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 41}, "k must lie in 1 … 40"),
        ({"k": 0}, "k must lie in"),
        ({"eps": -1.0}, "eps must not be negative"),
        ({"image_features": np.zeros((17, 6))}, "have no direction"),
        ({"image_features": np.ones((17, 5))}, "differ in width: 5"),
        ({"image_features": np.ones((16, 6))}, "16 features but 17 emotion vectors"),
        ({"prompt_emotions": np.zeros((17, 8))}, "no distribution"),
        ({"bank_emotions": np.ones((40, 7))}, "expected"),
    ],
)
def test_bad_input_is_refused(change, message):
    names = ("image_features", "bank_features", "prompt_emotions", "bank_emotions")
    arguments = dict(zip(names, random_case(np.random.default_rng(7)), strict=True)) | change
    with pytest.raises(ValueError, match=message):
        emo3d_scores(**arguments)


def test_blendshapes_of_51_are_refused():
    with pytest.raises(ValueError, match="52"):
        blendshape_errors(np.zeros((2, 51)), np.zeros((2, 51)))


@pytest.mark.parametrize("search", ["nearest", "own"])
def test_queries_are_not_copied_as_a_whole(search):
    rng = np.random.default_rng(7)
    queries, bank = rng.normal(size=(6_000, 256)).astype(np.float32), rng.normal(size=(40, 256))
    texts = queries[:3_000] + np.float32(0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "SIMILARITIES_AT_ONCE", 2**14)
        patch.setattr(nearest, "BANK_AT_ONCE", 256)
        tracemalloc.start()
        if search == "nearest":
            nearest_prompts(queries, bank, 1)
        else:
            own_ranks(queries[:3_000], texts)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < (queries if search == "nearest" else texts).nbytes, "half of what float64 copies take"
