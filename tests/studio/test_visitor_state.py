"""What visitors type and set, without a page."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.studio.examples import EXAMPLES
from emo3d_exp.studio.history import History
from emo3d_exp.studio.language import ENGLISH, FOREIGN, doubts
from emo3d_exp.studio.sliders import GROUPS, label
from emo3d_exp.studio.state import VisitorState, neutral_face
from emo3d_exp.studio.texts import LIMIT, clean, shorten
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, MIRROR_PERMUTATION


@pytest.mark.parametrize(
    ("raw", "text", "said"),
    [
        ("", "", "Describe"),
        (" \n\t ", "", "Describe"),
        ("  a\n faint\tsmile ", "a faint smile", ""),
        ("nul\x00 and \x1b[31m colour", "nul and [31m colour", ""),
        ("right\u202eto left", "right to left", ""),
        ("<b>bold</b> & <script>", "<b>bold</b> & <script>", ""),
        ("笑顔の女の子", "笑顔の女の子", "English"),
        ("😀😀", "😀😀", "English"),
        ("12345", "12345", "no word"),
        ("Ella sonríe feliz", "Ella sonríe feliz", "may not be English"),
        ("Er lächelt traurig", "Er lächelt traurig", "may not be English"),
        ("Il sourit tristement", "Il sourit tristement", "may not be English"),
        ("naïve, happy grin", "naïve, happy grin", ""),
        ("She hums 'la vie en rose' and smiles.", "She hums 'la vie en rose' and smiles.", ""),
    ],
)
def test_texts_are_cleaned_and_remarked_upon(raw: str, text: str, said: str) -> None:
    typed = clean(raw)
    assert typed.text == text
    assert (said in typed.note) if said else typed.note == ""


def test_a_long_text_is_cut_and_says_so() -> None:
    typed = clean("word " * 2000)
    assert len(typed.text) <= LIMIT and typed.text.startswith("word word")
    assert "first 1,000 of 9,999 characters" in typed.note


def test_shortened_texts_fit_a_button() -> None:
    assert shorten("a smile") == "a smile"
    assert len(shorten("long " * 40)) <= 48 and shorten("long " * 40).endswith("…")


def test_english_small_words_are_none_of_other_languages() -> None:
    assert not ENGLISH & FOREIGN
    assert not any(doubts(text) for text in EXAMPLES)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (("a", "a sad", "a sad face"), ["a sad face"]),
        (("a warm, happy smile", "a", "a faint", "a faint grin"), ["a faint grin", "a warm, happy smile"]),
        (("a sad face", "a sad"), ["a sad", "a sad face"]),
        (("joy", "", "joyful"), ["joyful", "joy"]),
        (("fear", "fear", "joy", "fear"), ["fear", "joy"]),
        (("one", "two", "three", "four"), ["four", "three", "two"]),
        (("", ""), []),
    ],
)
def test_history_keeps_whole_sentences_newest_first(typed: tuple[str, ...], kept: list[str]) -> None:
    history = History(length=3)
    for text in typed:
        history.add(text)
    assert history.texts == kept


def test_sliders_hold_each_of_the_51_once() -> None:
    indices = [index for group in GROUPS.values() for index in group]
    assert sorted(indices) == list(range(1, len(BLENDSHAPES)))


def test_slider_names_differ_within_a_group_and_tell_side_from_direction() -> None:
    for group in GROUPS.values():
        assert len({label(index) for index in group}) == len(group)
    assert label(BLENDSHAPE_INDEX["jawLeft"]) == "left"
    assert label(BLENDSHAPE_INDEX["eyeLookUpRight"]) == "look up (right)"
    assert label(BLENDSHAPE_INDEX["noseSneerLeft"]) == "nose sneer (left)"


def test_a_slider_moves_both_sides_only_when_asked() -> None:
    state = VisitorState()
    left, right = BLENDSHAPE_INDEX["mouthSmileLeft"], BLENDSHAPE_INDEX["mouthSmileRight"]
    assert state.set_score(left, 0.4) == [left]
    assert state.faces[0][right] == 0
    assert state.set_score(left, 2.0, both_sides=True) == [left, right]
    assert state.faces[0][left] == state.faces[0][right] == 1.0
    assert not state.answers[0].any()


def test_mirror_rest_and_restore() -> None:
    state = VisitorState()
    face = np.linspace(0, 1, len(BLENDSHAPES), dtype=np.float32)
    state.answer("odd", [face])
    state.mirror()
    np.testing.assert_array_equal(state.faces[0], face[MIRROR_PERMUTATION])
    state.rest()
    np.testing.assert_array_equal(state.faces[0], neutral_face())
    state.restore()
    np.testing.assert_array_equal(state.faces[0], face)
    assert state.faces[0] is not state.answers[0]


def test_two_visitors_share_nothing() -> None:
    one, other = VisitorState(), VisitorState()
    one.answer("joy", [np.ones(len(BLENDSHAPES))])
    one.set_score(3, 0.2)
    assert other.text == "" and not other.faces[0].any() and other.history.texts == []
