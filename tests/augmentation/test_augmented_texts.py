"""Texts that are made of other texts, against slow references."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.augmentation import beginning, swapped_sides, without_some_words

OTHER = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}


def slow_swap(text: str) -> str:
    """Letter by letter: a word is a run of letters, digits, underscores and hyphens."""
    out, word = "", ""
    for letter in text + "\0":
        if letter.isalnum() or letter in "_-":
            word += letter
        else:
            out, word = out + OTHER.get(word, word) + letter, ""
    return out[:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Left brow up, right eye shut.", "Right brow up, left eye shut."),
        ("THE LEFT CORNER (right?)", "THE RIGHT CORNER (left?)"),
        ("left/right, left; 'right'…left", "right/left, right; 'left'…right"),
        ("A bright, frightened, left-handed upright copyright leftmost lefty", None),
        ("right-hand side", None),
        ("a smile", None),
        ("", None),
    ],
)
def test_sides_are_swapped_as_whole_words(text: str, expected: str | None) -> None:
    assert swapped_sides(text) == (text if expected is None else expected) == slow_swap(text)
    assert swapped_sides(swapped_sides(text)) == text


def test_sides_in_any_surroundings() -> None:
    rng = np.random.default_rng(0)
    parts = [*OTHER, "LeFt", "bright", "fright", "ed", "-", " ", " ", ",", "_", "é", "'", "\n", "…", "4"]
    for _ in range(500):
        text = "".join(rng.choice(parts, rng.integers(1, 12)))
        assert swapped_sides(text) == slow_swap(text), text
        assert swapped_sides(swapped_sides(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My bus left. I was furious.", "My bus left."),
        ('An old man says: "My bus left! It rained. I was furious."', "My bus left! It rained."),
        ("My bus left.", None),
        ('She said "no" to him. She looks calm.', 'She said "no" to him.'),
        ('A girl writes: "I sing."', None),
    ],
)
def test_beginning(text: str, expected: str | None) -> None:
    assert beginning(text) == expected


def test_words_are_left_out_as_often_as_asked_and_keep_their_order() -> None:
    words = [f"w{i}" for i in range(4000)]
    kept = without_some_words(" ".join(words), 0.3, np.random.default_rng(1)).split()
    assert kept == [word for word in words if word in set(kept)]
    assert len(kept) == pytest.approx(2800, abs=120)
    assert without_some_words("a  b\nc", 0.0, np.random.default_rng(1)) == "a b c"


def test_one_word_is_always_left() -> None:
    rng = np.random.default_rng(2)
    left = {without_some_words("one two three", 0.999, rng) for _ in range(100)}
    assert left == {"one", "two", "three"}
