"""The training data in a mirror."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.augmentation import mirrored, with_mirror_images
from emo3d_exp.data import read_image, write_published_table
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import BLENDSHAPES


def assert_same(one: Corpus, other: Corpus) -> None:
    for field in fields(Corpus):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), field.name)


def other_side(name: str) -> str:
    return name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")


def test_mirror_twice_is_the_corpus_itself(corpus: Corpus) -> None:
    once = mirrored(corpus)
    assert_same(mirrored(once), corpus)
    assert once.image != corpus.image
    assert once.text[:4] == (
        "Right brow up. She doubts it.",
        "a bright smile",
        "The left eye winks at us.",
        "a wink",
    )


def test_scores_go_to_the_name_of_the_other_side(corpus: Corpus) -> None:
    once = mirrored(corpus)
    for index, name in enumerate(BLENDSHAPES):
        np.testing.assert_array_equal(
            once.blendshapes[:, index], corpus.blendshapes[:, BLENDSHAPES.index(other_side(name))]
        )


@pytest.mark.shared
def test_scores_are_swapped_as_in_the_released_code(corpus: Corpus, shared: Path) -> None:
    with np.load(shared / "golden" / "released_checkpoints.npz") as file:
        released = file["mirror_idx_52"]
    np.testing.assert_array_equal(mirrored(corpus).blendshapes, corpus.blendshapes[:, released])


def test_mirrored_samples_follow_as_samples_of_their_own(corpus: Corpus) -> None:
    both = with_mirror_images(corpus)
    assert_same(both.select(np.arange(4)), corpus)
    assert (np.diff(both.sample_id) > 0).all()
    again = both.select(np.arange(4, 8))
    np.testing.assert_array_equal(again.sample_id, [12, 13, 15, 19])
    once = mirrored(corpus)
    assert again.text == once.text and again.image == once.image
    np.testing.assert_array_equal(again.blendshapes, once.blendshapes)
    np.testing.assert_array_equal(again.emotions, corpus.emotions)
    pairs = both.pairs()
    count = len(corpus.pairs())
    np.testing.assert_array_equal(
        pairs[count:] - corpus.pairs(), [[len(corpus.text), len(corpus.image)]] * count
    )


def test_a_corpus_of_nothing(corpus: Corpus) -> None:
    nothing = corpus.select(np.array([], dtype=np.int64))
    assert_same(with_mirror_images(nothing), nothing)


@pytest.mark.parametrize("suffix", ["png", "jpeg"])
def test_pixels_are_flipped_left_right(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"face.{suffix}")
    ref = ImageRef(str(tmp_path / f"face.{suffix}"), "k")
    plain, flipped = read_image(ref), read_image(ref.flipped())
    expected = np.stack([[plain[y, 8 - x] for x in range(9)] for y in range(6)])
    np.testing.assert_array_equal(flipped, expected)
    assert flipped.flags.c_contiguous
    assert ref.flipped().key != ref.key and ref.flipped().flipped() == ref


def test_mirrored_pictures_are_not_written_as_if_they_were_not(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mirrored pictures"):
        write_published_table(with_mirror_images(corpus), tmp_path)
