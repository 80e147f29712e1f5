"""Emotion bars, file names, and every format of the exporters."""

from __future__ import annotations

import json
import threading
import time
from unittest.mock import MagicMock

import numpy as np
import pytest
from studio_fakes import answer_of, fake_client, tiny_rig

from emo3d_exp.errors import DataError
from emo3d_exp.exporters import FORMATS, Exported, ExportRequest
from emo3d_exp.faces import Renderer
from emo3d_exp.studio import download_panel, downloads
from emo3d_exp.studio.bars import COLORS, emotion_bars, note
from emo3d_exp.studio.download_panel import DownloadPanel
from emo3d_exp.studio.downloads import LABELS, MOVIE_SIZE, Saved, file_name, file_of, label_of
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
    assert LABELS.keys() == FORMATS.keys()
    assert len({label_of(name) for name in FORMATS}) == len(FORMATS)


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


def test_a_button_works_once_at_a_time_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client, said = fake_client(), list[str]()
    panel = DownloadPanel(client, lambda number, through: Saved(["smile"], [answer_of("smile")], tiny_rig()))

    def made(name: str, saved: Saved) -> tuple[str, bytes]:
        said.append(panel._buttons[name].label)
        assert all(button.disabled for button in panel._buttons.values())
        panel.save(name)  # a second click meanwhile
        return "smile.json", b"{}"

    monkeypatch.setattr(download_panel, "file_of", made)
    panel.save("arkit_json")
    assert said == ["working …"]
    client.send_file_download.assert_called_once_with("smile.json", b"{}", save_immediately=True)
    assert panel._buttons["arkit_json"].label == label_of("arkit_json")
    assert not any(button.disabled for button in panel._buttons.values())


@pytest.mark.parametrize("error", [DataError("no codec"), MemoryError("no room")])
def test_a_file_that_cannot_be_made_is_told_to_the_visitor(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    client = fake_client()
    panel = DownloadPanel(client, lambda number, through: Saved(["smile"], [answer_of("smile")], tiny_rig()))
    monkeypatch.setattr(download_panel, "file_of", MagicMock(side_effect=error))
    panel.save("mp4")
    assert client.add_notification.call_args.args == ("No file", str(error))
    assert not panel._buttons["mp4"].disabled


def test_one_file_is_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def slow(name: str, request: ExportRequest) -> Exported:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1
        return Exported(b"", ".json", "application/json")

    monkeypatch.setattr(downloads, "export_bytes", slow)
    saved = Saved(["smile"], [answer_of("smile")], tiny_rig())
    threads = [threading.Thread(target=file_of, args=("arkit_json", saved)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize("name", ["gif", "mp4"])
def test_movies_pass_through_a_whole_history_within_the_limits(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    drawn = []

    def count(self: Renderer, faces: np.ndarray, look: object = None) -> np.ndarray:
        drawn.append((self.size, len(faces), len(np.unique(faces, axis=0))))
        return np.zeros((len(faces), 16, 16, 3), np.uint8)

    monkeypatch.setattr(Renderer, "render", count)
    faces = [answer_of(text) for text in ("smile", "open", "wink", "smile open")] * 2
    file, content = file_of(name, Saved([f"text {n}" for n in range(8)], faces, tiny_rig()))
    assert file == f"text_7.{name}" and content
    [(size, pictures, distinct)] = drawn
    assert size == MOVIE_SIZE and pictures == distinct > 4 * 10  # four ways between eight faces and neutral
    file_of(name, Saved(["smile"], faces[:1], tiny_rig()))
    assert drawn[1][1] < pictures


def test_files_hold_the_present_face_and_moving_ones_all() -> None:
    saved = Saved(["open", "a smile"], [answer_of("open"), answer_of("a smile")], tiny_rig())
    name, content = file_of("arkit_json", saved)
    assert name == "a_smile.json" and "0.8" in json.dumps(json.loads(content))
    still, moving = file_of("livelink_csv", saved)[1], file_of("livelink_animation", saved)[1]
    assert len(still.splitlines()) == 2
    one = file_of("livelink_animation", Saved(["a smile"], [answer_of("a smile")], tiny_rig()))[1]
    assert len(moving.splitlines()) > len(one.splitlines()) > 2
