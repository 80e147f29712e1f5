"""What the judge reads, against the metric's own functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from emo3d_exp.metrics import emo3d_scores
from emo3d_exp.studio.reading import Reader, strongest
from emo3d_exp.vocab import EMOTIONS

RNG = np.random.default_rng(5)
BANK, INTENSITIES = RNG.normal(size=(12, 4)), RNG.uniform(0, 1, (12, 8))


class TinyJudge:
    """Pictures are seen by their mean colour, texts by their length."""

    name = "tiny_judge"

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([np.append(image.mean(axis=(0, 1)) - 100, 1.0) for image in images])

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([np.array([len(text), 1.0, -3.0, 2.0]) for text in texts])


@pytest.fixture
def reader() -> Reader:
    return Reader(TinyJudge(), BANK, INTENSITIES, k=3)  # type: ignore[arg-type]


def test_faces_are_read_as_the_metric_reads_them(reader: Reader) -> None:
    pictures = list(RNG.integers(0, 256, (5, 6, 6, 3), np.uint8))
    asked = RNG.uniform(0, 1, (5, 8))
    expected = emo3d_scores(reader.judge.encode_images(pictures), BANK, asked, INTENSITIES, k=3)["shown"]
    np.testing.assert_allclose(reader.pictures(pictures), expected, rtol=1e-12)
    np.testing.assert_allclose(expected.sum(axis=1), 1)


def test_words_are_read_by_their_nearest_descriptions(reader: Reader) -> None:
    """By hand: cosines, the three largest, the mean of their normalised intensities."""
    query = TinyJudge().encode_texts(["a smile"])[0]
    cosines = [query @ row / np.linalg.norm(query) / np.linalg.norm(row) for row in BANK]
    nearest = sorted(range(len(BANK)), key=lambda row: -cosines[row])[:3]
    expected = sum(INTENSITIES[row] / INTENSITIES[row].sum() for row in nearest) / 3
    np.testing.assert_allclose(reader.text("a smile"), expected, rtol=1e-12)
    assert strongest(expected) == EMOTIONS[int(np.argmax(expected))]


def test_a_reading_says_where_it_comes_from(reader: Reader) -> None:
    assert "3 descriptions, among 12" in reader.about() and "tiny_judge" in reader.about()
