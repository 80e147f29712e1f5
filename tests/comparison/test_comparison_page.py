"""The page: all that comes from folders is text in it, and in a browser it sorts, filters and brushes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from emo3d_exp.comparison import Comparison, compare, grouped
from emo3d_exp.comparison.page import SCRIPTS, comparison_page, embedded, page_data
from emo3d_exp.comparison.run import Run

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


def runs() -> list[Run]:
    """Twelve runs of three models, four weights and one score each that grows with both; one has none."""
    made = []
    for number in range(12):
        model, weight = ("ridge", "vae_clip", HOSTILE)[number % 3], (0.01, 0.1, 1.0, 10.0)[number // 3]
        config = {"model.name": model, "loss.lambda_text": weight, "seed": number % 2 + 1, "flag": True}
        told = {"test/emo3d": 0.6 + number / 100, "test/r_at_10": number / 20, "val/mse": 0.01}
        curve = [(float(epoch), 0.5 / (1 + epoch + number)) for epoch in range(10)]
        curves = {"val/mse": curve, "train/loss": [(0.0, 1.0)]}
        name = f"run{number}" if number else f"{HOSTILE}0"
        made.append(
            Run(name, Path(name), config, told if number < 11 else {}, "finished", seconds=1.5, curves=curves)
        )
    return made


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(runs(), [f"a note {HOSTILE}"])


def test_nothing_from_folders_is_markup(found: Comparison) -> None:
    html = comparison_page(found, grouped(found, ["model.name"]))
    assert "<img" not in html and html.count("<script") == 2 and html.count("</script>") == 2
    inside = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == json.loads(json.dumps(page_data(found)))
    assert not re.search(
        r"""(?:src|href)=|url\(|@import|fetch\(|https?://(?!www\.w3\.org/2000/svg)""",
        html.replace(embedded(page_data(found)), "").replace("src=x", ""),
    )


def test_texts_that_end_scripts_or_lines_are_embedded() -> None:
    value = {"a": "</script>\u2028<!--&"}
    assert json.loads(embedded(value)) == value
    assert not set(embedded(value)) & set("<>&\u2028")


def test_data_of_the_page(found: Comparison) -> None:
    data = page_data(found)
    columns = {column["name"]: column for column in data["columns"]}
    assert columns["loss.lambda_text"] == {
        "name": "loss.lambda_text", "kind": "setting", "shown": True, "numeric": True,
    }  # fmt: skip
    assert columns["test/r_at_10"]["shown"] is False and columns["status"]["kind"] == "fact"
    assert data["axes"] == ["model.name", "loss.lambda_text", "seed"] and data["metric"] == "test/emo3d"
    assert data["runs"][-1]["values"][list(columns).index("test/emo3d")] is None
    assert data["runs"][-1]["cells"][list(columns).index("test/emo3d")] == "–"


def test_few_runs_get_a_page_too() -> None:
    html = comparison_page(compare(runs()[:1]))
    assert "1 run has test/emo3d" in html


def test_scripts_are_short() -> None:
    inside = files("emo3d_exp.comparison")
    assert all(len(inside.joinpath(name).read_text().splitlines()) <= 150 for name in SCRIPTS)


@pytest.fixture(scope="module")
def tab(found: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium: neither $CHROMIUM nor a program called chromium")
    file = tmp_path_factory.mktemp("page") / "compare.html"
    file.write_text(comparison_page(found), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--headless", "--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1450, "height": 2400})
        opened.problems, opened.asked = [], []
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.goto(file.as_uri())
        yield opened
        assert opened.problems == [] and all(url.startswith("file:") for url in opened.asked)
        browser.close()


def column(tab: Any, name: str) -> list[str]:
    heads = tab.locator("#runs th").all_inner_texts()
    return tab.locator(f"#runs tbody tr td:nth-child({heads.index(name) + 1})").all_inner_texts()


browsed = [pytest.mark.slow, pytest.mark.enable_socket]


class TestInABrowser:
    pytestmark = browsed

    @pytest.fixture(autouse=True)
    def anew(self, tab: Any) -> None:
        tab.click("#clear")

    def test_it_shows_all_runs_and_takes_no_markup(self, tab: Any) -> None:
        assert tab.inner_text("#count") == "12 of 12 runs" and tab.title() == "Runs compared"
        assert column(tab, "run")[0] == f"{HOSTILE}0"

    def test_a_heading_sorts_numbers_as_numbers_and_what_is_missing_last(self, tab: Any) -> None:
        tab.click("#runs th:has-text('lambda_text')")
        assert column(tab, "loss.lambda_text")[::3] == ["0.01", "0.1", "1", "10"]
        tab.click("#runs th:has-text('lambda_text')")
        assert column(tab, "loss.lambda_text")[::3] == ["10", "1", "0.1", "0.01"]
        for _ in range(2):
            tab.click("#runs th:has-text('test/emo3d')")
            assert column(tab, "run")[-1] == "run11"
        assert column(tab, "test/emo3d")[0] == "0.7000"

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("vae_clip", 4),
            ("lambda_text>0.05 model.name=ridge", 3),
            ("emo3d<0.62", 2),
            ("lambda_text<=0.1 seed!=1", 3),
            ("run11", 1),
            ("flag=true", 12),
            ("emo3d=", 0),
            ("nothing like it", 0),
        ],
    )
    def test_the_filter_counts(self, tab: Any, text: str, count: int) -> None:
        tab.fill("#filter", text)
        assert tab.inner_text("#count") == f"{count} of 12 runs"
        assert len(tab.locator("#runs tbody tr").all()) == count
        assert tab.locator("#unread").is_hidden()

    def test_a_filter_that_names_nothing_is_told(self, tab: Any) -> None:
        tab.fill("#filter", "lamda>3")
        assert tab.inner_text("#unread") == "no run has lamda"

    def test_a_brush_chooses_runs_everywhere_and_a_click_lets_go(self, tab: Any) -> None:
        handle = tab.locator("#coordinates rect[data-axis='loss.lambda_text']")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"]
        tab.mouse.move(x, bottom - 70)
        tab.mouse.down()
        tab.mouse.move(x, bottom - 30)
        tab.mouse.up()
        assert tab.inner_text("#count") == "3 of 12 runs"
        assert set(column(tab, "loss.lambda_text")) == {"0.01"}
        assert len(tab.locator("#coordinates path.out").all()) == 9
        assert len(tab.locator("#curves path").all()) == 3
        tab.mouse.click(x, bottom - 60)
        assert tab.inner_text("#count") == "12 of 12 runs"

    def test_the_pointer_names_the_nearest_curve(self, tab: Any) -> None:
        tab.fill("#filter", "run3")
        tab.locator("#curves").scroll_into_view_if_needed()
        box = tab.locator("#curves path").bounding_box()
        tab.mouse.move(box["x"] + 1, box["y"] + 1)
        assert tab.inner_text("#told") == "run3, epoch 0: 0.125"
        assert len(tab.locator("#runs tr.hover").all()) == 1

    def test_another_metric_colours_and_is_an_axis(self, tab: Any) -> None:
        def dot() -> str:
            return tab.locator("#runs tr:has(td:text-is('run10')) i").evaluate("e => e.style.background")

        worst = dot()
        tab.select_option("#metric", "test/r_at_10")
        assert dot() != worst and len(tab.locator("rect[data-axis='test/r_at_10']").all()) == 1
        tab.select_option("#metric", "test/emo3d")
        assert dot() == worst

    def test_the_direction_of_a_search_is_kept(self, tab: Any, found: Comparison, tmp_path: Path) -> None:
        file = tmp_path / "compare.html"
        file.write_text(comparison_page(replace(found, higher=True)), encoding="utf-8")
        other = tab.context.browser.new_page()
        other.goto(file.as_uri())
        dot = other.locator("#runs tr:has(td:text-is('run10')) i")
        best = dot.evaluate("e => e.style.background")
        assert best == "rgb(68, 1, 84)"
        for metric in ("val/mse", "test/emo3d"):
            other.select_option("#metric", metric)
        assert dot.evaluate("e => e.style.background") == best
        other.close()

    def test_columns_and_curves_are_chosen(self, tab: Any) -> None:
        tab.click("summary:text-is('columns')")
        tab.check("#columns input[name='test/r_at_10']")
        assert "test/r_at_10" in tab.locator("#runs th").all_inner_texts()
        tab.uncheck("#columns input[name='test/r_at_10']")
        tab.select_option("#curve", "train/loss")
        assert len(tab.locator("#curves circle").all()) == 12
        tab.select_option("#curve", "val/mse")

    def test_a_narrow_window_scrolls_no_picture_and_no_label_stands_in_another(self, tab: Any) -> None:
        before = tab.viewport_size
        tab.set_viewport_size({"width": 760, "height": 800})
        tab.wait_for_function("() => document.getElementById('curves').clientWidth < 760")
        over = "svg => svg.parentElement.scrollWidth - svg.parentElement.clientWidth"
        assert [tab.locator(name).evaluate(over) for name in ("#coordinates", "#curves")] == [0, 0]
        for axis in tab.locator("#coordinates g").all():
            boxes = [text.bounding_box() for text in axis.locator("text[paint-order]").all()]
            tops = sorted(box["y"] for box in boxes)
            assert all(lower - upper >= 12 for upper, lower in pairwise(tops))
        tab.set_viewport_size(before)
        tab.wait_for_function("() => document.getElementById('curves').clientWidth > 760")

    def test_what_mattered_is_drawn(self, tab: Any) -> None:
        assert "explains" in tab.inner_text("#meaning") or "left out" in tab.inner_text("#meaning")
        told = tab.locator(".effect h3").all_inner_texts()
        assert all(float(text.rpartition(": ")[2]) < 3 for text in told)
