"""Names and orders, against what was published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.vocab import (
    ARKIT_NAMES,
    BLENDSHAPE_INDEX,
    BLENDSHAPES,
    EMOTION_INDEX,
    EMOTIONS,
    LIVE_LINK_NAMES,
    MEDIAPIPE_NAMES,
    MIRROR_PERMUTATION,
    MORPH_TARGETS,
    REGIONS,
    VOCABULARY_HASH,
    dominant,
    to_distribution,
)


@pytest.fixture(scope="module")
def released(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "released_checkpoints.npz") as file:
        return dict(file)


def test_there_are_52_distinct_names_and_51_shapes() -> None:
    assert len(set(BLENDSHAPES)) == len(BLENDSHAPES) == 52
    assert BLENDSHAPES[0] == "_neutral"
    assert BLENDSHAPES[1:] == MORPH_TARGETS
    assert list(MORPH_TARGETS) == sorted(MORPH_TARGETS)
    assert all(BLENDSHAPES[index] == name for name, index in BLENDSHAPE_INDEX.items())
    assert len(BLENDSHAPE_INDEX) == 52


def test_other_systems_names() -> None:
    assert MEDIAPIPE_NAMES == BLENDSHAPES
    assert len(set(ARKIT_NAMES)) == 52
    assert set(ARKIT_NAMES) - set(BLENDSHAPES) == {"tongueOut"}
    assert [name.lower() for name in LIVE_LINK_NAMES] == [name.lower() for name in MORPH_TARGETS]
    assert "EyeBlinkLeft" in LIVE_LINK_NAMES


def test_regions_hold_every_shape_once() -> None:
    assert sorted(i for indices in REGIONS.values() for i in indices) == list(range(1, 52))


def test_mirror_swaps_40_and_keeps_12() -> None:
    rows = np.arange(52)
    np.testing.assert_array_equal(MIRROR_PERMUTATION[MIRROR_PERMUTATION], rows)
    assert int((rows != MIRROR_PERMUTATION).sum()) == 40
    assert int((rows == MIRROR_PERMUTATION).sum()) == 12
    assert MIRROR_PERMUTATION[BLENDSHAPE_INDEX["jawLeft"]] == BLENDSHAPE_INDEX["jawRight"]
    assert MIRROR_PERMUTATION[BLENDSHAPE_INDEX["jawOpen"]] == BLENDSHAPE_INDEX["jawOpen"]


def test_vocabulary_hash_is_what_stored_runs_hold() -> None:
    assert VOCABULARY_HASH == "fdd5a9a98a08d459"


@pytest.mark.shared
def test_blendshapes_are_the_published_ones(released: dict[str, np.ndarray]) -> None:
    assert released["names_52"].tolist() == list(BLENDSHAPES)
    assert released["names_51"].tolist() == list(MORPH_TARGETS)
    np.testing.assert_array_equal(released["mirror_idx_52"], MIRROR_PERMUTATION)


@pytest.mark.shared
def test_emotions_are_the_published_columns(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "emo3d_metric.json").read_text(encoding="utf-8"))
    assert golden["emotion_columns"] == list(EMOTIONS)


def test_distribution_is_intensity_over_sum() -> None:
    rng = np.random.default_rng(0)
    intensities = rng.random((2, 5, 8))
    distributions = to_distribution(intensities)
    assert distributions.shape == intensities.shape
    for block, row in np.ndindex(2, 5):
        total = sum(float(value) for value in intensities[block, row])
        expected = [float(value) / total for value in intensities[block, row]]
        np.testing.assert_allclose(distributions[block, row], expected, rtol=1e-12)


def test_distribution_of_a_single_vector_of_integers() -> None:
    assert to_distribution(np.array([0, 3, 0, 0, 1, 0, 0, 0])).tolist() == [0, 0.75, 0, 0, 0.25, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (-0.1, "not negative"),
        (np.nan, "finite"),
        (np.inf, "finite"),
    ],
)
def test_distribution_refuses_impossible_intensities(change: float, message: str) -> None:
    intensities = np.full((3, 8), 0.5)
    intensities[1, 2] = change
    with pytest.raises(ValueError, match=message):
        to_distribution(intensities)


def test_distribution_names_rows_of_zeros() -> None:
    intensities = np.full((4, 8), 0.5)
    intensities[[1, 3]] = 0
    with pytest.raises(ValueError, match=r"all zero.*\[1, 3\]"):
        to_distribution(intensities)


@pytest.mark.parametrize("shape", [(8, 7), (9,), ()])
def test_distribution_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="8"):
        to_distribution(np.ones(shape))


def test_dominant_is_the_first_strongest() -> None:
    assert len(EMOTIONS) == len(set(EMOTIONS)) == 8
    vectors = np.zeros((2, 8))
    vectors[0, EMOTION_INDEX["fear"]] = 0.9
    vectors[1, [EMOTION_INDEX["sadness"], EMOTION_INDEX["anger"]]] = 0.7
    assert [EMOTIONS[i] for i in dominant(vectors)] == ["fear", "sadness"]
