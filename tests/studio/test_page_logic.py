"""Pages against a browser that is not there: who sees what, and what stays as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_fakes import JAW, SMILE, FakeModels, answer_of, fake_client, tiny_rig

from emo3d_exp.errors import DataError
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.head_view import HeadView
from emo3d_exp.studio.page import Page, uploaded_head
from emo3d_exp.studio.state import neutral_face

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
    page._choose_rig("nobody")
    page._choose_runs([Path("elsewhere")])
    page._take_rig("page.glb", b"<!doctype html><title>404</title>")
    assert page.client.add_notification.call_count == 3
    assert page.stage.heads is before and page.state.faces[0][JAW] == pytest.approx(0.9)


def test_names_and_texts_are_shown_as_text_never_as_html(open_page: Open) -> None:
    page = open_page()
    hostile = "<img src=x onerror=alert(1)> **bold** [a](javascript:alert(1))"
    page._answer(hostile)
    assert "<i>model" not in page._status.content and "&lt;i&gt;model" in page._status.content
    assert "<b>reason" not in page._status.content
    shown = [page._status.content, page.text.note.content, page._reading.content]
    assert not any("onerror" in str(content) for content in shown)
    assert page.history._texts[0] == hostile


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
