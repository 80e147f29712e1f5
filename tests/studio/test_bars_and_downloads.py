"""Emotion bars, file names, and every format of the exporters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from studio_fakes import answer_of, tiny_rig

from emo3d_exp.exporters import FORMATS
from emo3d_exp.studio.bars import COLORS, emotion_bars, note
from emo3d_exp.studio.downloads import LABELS, Saved, file_name, file_of, label_of
from emo3d_exp.vocab import EMOTIONS


def test_every_emotion_has_a_colour_and_a_bar_of_its_share() -> None:
    assert set(COLORS) == set(EMOTIONS)
    shares = np.array([0.5, 0.25, 0.125, 0.125, 0, 0, 0, 0])
    page = emotion_bars({"in the face": shares}, "note")
    assert [page.count(f">{emotion}<") for emotion in EMOTIONS] == [1] * 8
    assert "width:50.0%" in page and "width:25.0%" in page and page.count("width:0.0%") == 4


def test_bars_escape_what_they_are_given() -> None:
    page = emotion_bars({"<b>x": np.full(8, 0.125)}, "<script>")
    assert "<b>x" not in page and "<script>" not in page
    assert note("<i>").count("&lt;i&gt;") == 1 and note("") == ""


def test_every_format_has_a_button() -> None:
    assert all(label_of(name) for name in FORMATS)
    assert LABELS.keys() <= FORMATS.keys()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A faint, bitter smile!", "a_faint_bitter_smile.png"),
        ("../../etc/passwd", "etc_passwd.png"),
        ("笑顔", "face.png"),
        ("", "face.png"),
        ("word " * 99, "word_word_word_word_word_word_word_word_word_wor.png"),
    ],
)
def test_file_names_are_harmless(text: str, name: str) -> None:
    assert file_name(text, "png", ".png") == name


def test_files_hold_the_present_face_and_moving_ones_all() -> None:
    saved = Saved(["open", "a smile"], [answer_of("open"), answer_of("a smile")], tiny_rig())
    name, content = file_of("arkit_json", saved)
    assert name == "a_smile.json" and "0.8" in json.dumps(json.loads(content))
    still, moving = file_of("livelink_csv", saved)[1], file_of("livelink_animation", saved)[1]
    assert len(still.splitlines()) == 2
    one = file_of("livelink_animation", Saved(["a smile"], [answer_of("a smile")], tiny_rig()))[1]
    assert len(moving.splitlines()) > len(one.splitlines()) > 2
