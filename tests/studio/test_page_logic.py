"""Pages against a browser that is not there: who sees what, and what stays as it was."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from studio_fakes import HOSTILE, JAW, SMILE, FakeModels, answer_of, fake_client, tiny_rig

from emo3d_exp.errors import DataError
from emo3d_exp.studio.appearance import Appearance, Surface
from emo3d_exp.studio.head_view import HeadView
from emo3d_exp.studio.page import Page
from emo3d_exp.studio.state import neutral_face
from emo3d_exp.studio.uploads import uploaded_head

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def appearance() -> Appearance:
    return Appearance(tiny_rig())


@pytest.fixture
def open_page(appearance: Appearance) -> Iterator[Open]:
    pages: list[Page] = []

    def open_one(number: int = 1, second: bool = False) -> Page:
        pages.append(Page(fake_client(number), FakeModels(appearance, second)))  # type: ignore[arg-type]
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_typed_text_moves_the_head_and_fills_sliders_and_history(open_page: Open) -> None:
    page = open_page()
    page._texts.put("a smile")
    until(lambda: page.stage.heads[0].blendshapes[SMILE[0]] > 0)
    np.testing.assert_array_equal(page.state.faces[0], answer_of("a smile"))
    assert page.sliders._handles[SMILE[1]].value == 0.8
    until(lambda: page.state.history.texts == ["a smile"])
    until(
        lambda: np.array_equal(
            page.stage.heads[0].shown().vertices, page.appearance(answer_of("smile")).vertices
        )
    )


def test_two_visitors_do_not_move_each_other(open_page: Open) -> None:
    one, other = open_page(1), open_page(2)
    one._answer("a smile")
    other._slider_moved(JAW, 0.5, False)
    assert one.stage.heads[0].blendshapes[JAW] == 0
    assert other.stage.heads[0].blendshapes[SMILE[0]] == 0
    assert other.state.text == "" and other.state.history.texts == []


def test_a_slider_moves_the_left_head_alone_and_its_mirror_image_on_demand(open_page: Open) -> None:
    page = open_page(second=True)
    assert len(page.stage.heads) == 2
    page._slider_moved(SMILE[0], 0.7, True)
    np.testing.assert_allclose(page.state.faces[0][list(SMILE)], 0.7)
    assert page.sliders._handles[SMILE[1]].value == 0.7
    assert not page.state.faces[1].any()


def test_two_runs_answer_side_by_side_and_one_can_be_taken_away(open_page: Open) -> None:
    page = open_page()
    page._answer("open")
    page._choose_runs([Path("first"), Path("second")])
    assert [head.blendshapes[JAW] for head in page.stage.heads] == [pytest.approx(0.9), pytest.approx(0.45)]
    page._choose_runs([Path("second")])
    assert [head.blendshapes[JAW] for head in page.stage.heads] == [pytest.approx(0.45)]


def test_what_cannot_be_loaded_leaves_the_page_as_it_is(open_page: Open) -> None:
    page = open_page()
    page._answer("open")
    before = page.stage.heads
    page._choose_head("nobody")
    page._choose_runs([Path("elsewhere")])
    page._choose_head(("page.glb", b"<!doctype html><title>404</title>"))
    assert page.client.add_notification.call_count == 3
    assert page.stage.heads is before and page.state.faces[0][JAW] == pytest.approx(0.9)
    assert [page.runs[0].path.name, page.head] == ["first", "builtin"]


def test_after_a_choice_that_failed_the_lists_say_what_is_shown(open_page: Open) -> None:
    page = open_page()
    page.compare.head.choose("ict_facekit")  # which these models do not have
    until(lambda: page.compare.head.value == "builtin")
    page.models.broken = "second"  # type: ignore[attr-defined]
    page.compare.other.choose("second")
    until(lambda: page.compare.other.value == "none")
    assert [call.args[1] for call in page.client.add_notification.call_args_list] == [
        "unknown rig 'ict_facekit'",
        "second is broken",
    ]


def test_an_uploaded_head_stands_in_the_list_and_there_is_a_way_back(
    open_page: Open, appearance: Appearance, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, mine = open_page(), Appearance(tiny_rig())
    monkeypatch.setattr("emo3d_exp.studio.page.uploaded_head", lambda name, content: mine)
    page._choose_head(("me.glb", b"glTF"))
    assert page.appearance is mine and page.compare.head.value == "me.glb (yours)"
    page.compare.head.choose("builtin")
    until(lambda: page.appearance is appearance)
    page.compare.head.choose("me.glb (yours)")
    until(lambda: page.appearance is mine)
    until(lambda: [head.appearance for head in page.stage.heads] == [mine])  # put there after it


def test_an_error_in_a_thread_is_told_to_its_visitor(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = open_page(1), open_page(2)
    monkeypatch.setattr(one.models, "predict", MagicMock(side_effect=RuntimeError("out of memory")))
    one._texts.put("a smile")
    until(lambda: one.client.add_notification.call_count)
    assert one.client.add_notification.call_args.args == ("The text got no face", "out of memory")
    assert not other.client.add_notification.called


def test_a_page_that_was_closed_puts_up_no_head(open_page: Open) -> None:
    page = open_page()
    page.close()
    meshes = page.client.scene.add_glb.call_count
    page._choose_runs([Path("second")])
    page._answer("a smile")
    assert page.client.scene.add_glb.call_count == meshes


def test_names_and_texts_are_shown_as_text_never_as_html(open_page: Open) -> None:
    """HTML fields hold names of models and reasons; texts stand in labels, which React shows as they are."""
    page = open_page()
    page._answer(HOSTILE)
    until(lambda: "nobody reads" in page._reading.content)
    for content in (page._status.content, page._reading.content):
        assert html.escape(HOSTILE) in content and "<img" not in content
    page.text.say(HOSTILE)
    assert "<img" not in page.text.note.content and "&lt;img" in page.text.note.content
    assert page.history._texts[0] == HOSTILE
    markdown = [call.args[0] for call in page.client.gui.add_markdown.call_args_list]
    assert not any("onerror" in content for content in markdown)


def test_empty_and_long_texts_get_a_remark(open_page: Open) -> None:
    page = open_page()
    page._answer("x" * 10_000)
    assert "Only the first 1,000" in page.text.note.content
    page._answer("   ")
    assert not page.state.faces[0].any() and "neutral" in page.text.note.content


def test_a_head_that_is_moved_again_goes_on_from_where_it_is(appearance: Appearance) -> None:
    client = fake_client()
    head = HeadView(client, "head", appearance, neutral_face(), (0, 0, 0))
    head.move_to(answer_of("open"), seconds=0.2)
    until(lambda: head.arrivals == 1)
    head.move_to(answer_of("smile"), seconds=0.2)
    until(lambda: head.arrivals == 2)
    head.close()
    np.testing.assert_array_equal(head.shown().vertices, appearance(answer_of("smile")).vertices)
    made, taken = client.scene.add_glb.call_count, client.scene.add_glb.return_value.remove.call_count
    assert made == taken == 5  # at first, and a moving and a still mesh for each move; the last by close()


def test_a_head_that_is_closed_goes_at_once_and_its_worker_leaves_nothing(appearance: Appearance) -> None:
    client, nodes = fake_client(), list[MagicMock]()
    asked, answer = threading.Event(), threading.Event()

    def wait_for_browser(*given: object, **named: object) -> None:
        asked.set()
        assert answer.wait(10)

    def add(*given: object, **named: object) -> MagicMock:
        nodes.append(MagicMock())
        return nodes[-1]

    client.local_storage.get_item.side_effect = wait_for_browser
    client.scene.add_glb.side_effect = add
    head = HeadView(client, "head", appearance, neutral_face(), (0, 0, 0))
    head.move_to(answer_of("open"))
    assert asked.wait(10)
    head.close()  # while the worker waits for the browser
    assert len(nodes) == 2 and all(node.remove.call_count == 1 for node in nodes)
    answer.set()
    until(lambda: not head._worker.alive)
    assert len(nodes) == 2 and all(node.remove.call_count == 1 for node in nodes)


def test_a_mesh_made_while_the_head_is_closed_is_never_added(
    appearance: Appearance, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, posing, closed = fake_client(), threading.Event(), threading.Event()
    head = HeadView(client, "head", appearance, neutral_face(), (0, 0, 0))

    def pose(blendshapes: np.ndarray) -> Surface:
        posing.set()
        assert closed.wait(10)
        return appearance(blendshapes)

    monkeypatch.setattr(head, "appearance", MagicMock(wraps=appearance, side_effect=pose, two_sided=True))
    head.appearance.faces = appearance.faces
    head.move_to(answer_of("open"))
    assert posing.wait(10)
    head.close()
    closed.set()
    until(lambda: not head._worker.alive)
    assert client.scene.add_glb.call_count == 1


def test_a_visitor_who_leaves_ends_the_work(appearance: Appearance) -> None:
    client = fake_client()
    client.local_storage.get_item.side_effect = RuntimeError("the client disconnected before returning")
    head = HeadView(client, "head", appearance, neutral_face(), (0, 0, 0))
    head.move_to(answer_of("open"))
    until(lambda: not head._worker.alive)


def test_an_upload_that_is_no_head_is_named_by_its_own_name() -> None:
    with pytest.raises(DataError) as told:
        uploaded_head("mine.glb", b"glTF but not really")
    assert "mine.glb" in str(told.value) and "/tmp" not in str(told.value)
