"""Several faces for a text, against slow and obvious references."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.metrics import best_of, diversity, energy_score

RNG = np.random.default_rng(4)
SAMPLES, TARGET = RNG.random((5, 7, 52)), RNG.random((7, 52))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5)


def test_diversity_is_the_mean_distance_of_all_pairs() -> None:
    for text in range(7):
        pairs = [distance(SAMPLES[i, text], SAMPLES[j, text]) for i in range(5) for j in range(5) if i < j]
        assert diversity(SAMPLES)[text] == pytest.approx(sum(pairs) / len(pairs), rel=1e-12)
    assert diversity(np.repeat(TARGET[None], 3, axis=0)).tolist() == [0.0] * 7


def test_energy_score_is_its_formula() -> None:
    for text in range(7):
        near = sum(distance(face, TARGET[text]) for face in SAMPLES[:, text]) / 5
        apart = sum(distance(a, b) for a in SAMPLES[:, text] for b in SAMPLES[:, text]) / (5 * 4)
        assert energy_score(SAMPLES, TARGET)[text] == pytest.approx(near - apart / 2, rel=1e-12)


def test_best_of_is_the_smallest_error() -> None:
    for text in range(7):
        errors = [distance(face, TARGET[text]) ** 2 / 52 for face in SAMPLES[:, text]]
        assert best_of(SAMPLES, TARGET)[text] == pytest.approx(min(errors), rel=1e-12)


def test_energy_score_is_lowest_for_the_true_spread() -> None:
    """Faces drawn as the true ones are beat faces that differ too little and too much."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(400, 4))
    scores = {
        spread: energy_score(spread * rng.normal(size=(60, 400, 4)), target).mean()
        for spread in (0.01, 0.5, 1.0, 2.0)
    }
    assert min(scores, key=scores.__getitem__) == 1.0


@pytest.mark.parametrize("shape", [(1, 7, 52), (7, 52)])
def test_one_face_is_no_sample(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(S, N, 52\) with S at least 2"):
        diversity(np.zeros(shape))
