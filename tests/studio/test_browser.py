"""The page in headless Chromium: it loads, texts and sliders move the mesh, visitors are apart."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.resources import files as resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_fakes import JAW, SMILE, FakeModels

from emo3d_exp.faces import load_rig
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.serve import Studio

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

FLAGS = ("--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader "
         "--disable-background-networking --disable-component-update --disable-sync")  # fmt: skip
SECONDS = 180.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("viser", reason="the extra studio is not installed")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium: neither $CHROMIUM nor a program called chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, args=FLAGS.split())
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    pytest.importorskip("viser", reason="the extra studio is not installed")
    running = Studio(FakeModels(Appearance(load_rig("builtin"))), port=18080)  # type: ignore[arg-type]
    yield running
    running.server.stop()


@pytest.fixture
def visit(browser: Any, studio: Studio) -> Iterator[Callable[[], tuple[Any, Any]]]:
    """Opens the page as a new visitor: (browser's page, server's page)."""
    contexts: list[Any] = []

    def open_one() -> tuple[Any, Any]:
        context = browser.new_context(viewport={"width": 1000, "height": 640})
        contexts.append(context)
        tab, known = context.new_page(), set(studio.pages)
        tab.asked = []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.goto(f"http://127.0.0.1:{studio.server.get_port()}")
        tab.wait_for_selector("textarea", timeout=1000 * SECONDS)
        until(lambda: set(studio.pages) - known)
        return tab, studio.pages[(set(studio.pages) - known).pop()]

    yield open_one
    for context in contexts:
        context.close()
    until(lambda: not studio.pages)


def until(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def head_picture(tab: Any) -> np.ndarray:
    """The canvas left of the panel in blocks of 8 pixels, once two pictures in a row agree.

    Blocks, because viser draws with fewer pixels while it finds the machine slow.
    """
    from PIL import Image

    def shot() -> np.ndarray:
        clip = {"x": 120, "y": 150, "width": 400, "height": 480}
        picture = np.asarray(Image.open(BytesIO(tab.screenshot(clip=clip))).convert("RGB"), np.float32)
        return picture.reshape(60, 8, 50, 8, 3).mean(axis=(1, 3))

    end, before = time.monotonic() + SECONDS, shot()
    while time.monotonic() < end:
        tab.wait_for_timeout(700)
        now = shot()
        if np.abs(before - now).max() < 2 and now.std() > 15:
            return now
        before = now
    raise AssertionError("the picture never came to rest")


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """Share of blocks that differ by more than a shade."""
    return float((np.abs(one - other).max(axis=2) > 30).mean())


def test_a_text_moves_the_mesh_and_an_empty_one_takes_it_back(visit: Callable[[], tuple[Any, Any]]) -> None:
    tab, page = visit()
    neutral = head_picture(tab)
    tab.fill("textarea", "mouth open")
    until(lambda: page.stage.heads[0].blendshapes[JAW] > 0)
    until(lambda: page.stage.heads[0].arrivals == 1)
    opened = head_picture(tab)
    assert changed(opened, neutral) > 0.01
    tab.fill("textarea", "")
    until(lambda: page.stage.heads[0].arrivals >= 2 and not page.stage.heads[0].blendshapes.any())
    tab.wait_for_timeout(1500)
    assert changed(head_picture(tab), neutral) < 0.001
    assert all("127.0.0.1" in url or url.startswith(("data:", "blob:")) for url in tab.asked)


def test_a_slider_moves_the_mesh(visit: Callable[[], tuple[Any, Any]]) -> None:
    tab, page = visit()
    neutral = head_picture(tab)
    tab.get_by_text("Jaw", exact=True).click()
    slider = tab.locator("[role=slider]:visible").nth(2)  # forward, left, open, right
    slider.focus()
    for _ in range(8):
        slider.press("PageUp")
    slider.press("End")
    until(lambda: page.stage.heads[0].blendshapes[JAW] == 1.0)
    until(lambda: page.stage.heads[0].arrivals)
    assert changed(head_picture(tab), neutral) > 0.01


def test_visitors_are_apart(visit: Callable[[], tuple[Any, Any]]) -> None:
    (one_tab, one), (_, other) = visit(), visit()
    one_tab.fill("textarea", "smile")
    until(lambda: one.stage.heads[0].arrivals)
    assert one.stage.heads[0].blendshapes[SMILE[0]] == pytest.approx(0.8)
    assert not other.stage.heads[0].blendshapes.any() and other.state.history.texts == []


def test_signs_of_markup_stay_signs(visit: Callable[[], tuple[Any, Any]]) -> None:
    tab, page = visit()
    tab.on("dialog", lambda dialog: pytest.fail(f"a text ran: {dialog.message}"))
    hostile = "<img src=x onerror=alert(1)> **smile** </button><script>alert(2)</script>"
    tab.fill("textarea", hostile)
    until(lambda: page.state.history.texts == [hostile])
    tab.get_by_text("History", exact=True).click()
    tab.wait_for_timeout(1000)
    assert tab.locator("img[src=x]").count() == 0
    assert tab.get_by_role("button").filter(has_text="<img src=x onerror=alert(1)>").count() == 1


def test_a_second_run_stands_beside_the_first(visit: Callable[[], tuple[Any, Any]]) -> None:
    tab, page = visit()
    alone = head_picture(tab)
    tab.fill("textarea", "mouth open")
    until(lambda: page.stage.heads[0].blendshapes[JAW] > 0)
    choose(tab, "Beside it", "second")
    until(lambda: len(page.stage.heads) == 2)
    assert [head.blendshapes[JAW] for head in page.stage.heads] == [pytest.approx(0.9), pytest.approx(0.45)]
    assert changed(head_picture(tab), alone) > 0.05
    choose(tab, "Beside it", "none")
    until(lambda: len(page.stage.heads) == 1)


def test_an_uploaded_head_is_shown_and_left_again(
    visit: Callable[[], tuple[Any, Any]], tmp_path: Path
) -> None:
    tab, page = visit()
    mine = tmp_path / "mine.glb"
    mine.write_bytes((resources("emo3d_exp") / "assets/builtin_head.glb").read_bytes())
    tab.get_by_text("Compare", exact=True).click()
    tab.set_input_files("input[type=file]", mine)
    until(lambda: page.head == "mine.glb (yours)" and page.compare.head.value == page.head)
    shared = page.models.head("builtin")
    assert page.stage.heads[0].appearance is page.appearance is not shared
    choose(tab, "Head", "builtin")
    until(lambda: page.stage.heads[0].appearance is shared)
    assert head_picture(tab).std() > 15


def choose(tab: Any, label: str, option: str) -> None:
    """Pick an entry of a list on the page's tab "Compare"."""
    tab.get_by_text("Compare", exact=True).click()
    tab.get_by_label(label, exact=True).first.click()
    tab.get_by_role("option", name=option, exact=True).click()


def test_a_portrait_can_be_downloaded(visit: Callable[[], tuple[Any, Any]], tmp_path: Path) -> None:
    tab, _ = visit()
    tab.get_by_text("Download", exact=True).click()
    with tab.expect_download(timeout=1000 * SECONDS) as waiting:
        tab.get_by_text("Portrait (PNG)").click()
    waiting.value.save_as(tmp_path / "face.png")
    assert waiting.value.suggested_filename == "face.png"
    assert (tmp_path / "face.png").read_bytes().startswith(b"\x89PNG")


def test_the_server_listens_on_this_machine_only(studio: Studio) -> None:
    assert studio.server.get_host() == "127.0.0.1"
