"""The form in a real browser: from a file, filled in, kept over a reload, and saved."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from emo3d_exp.dataset_builder.human import Item, agreement, read_labels, write_label_sheets
from emo3d_exp.vocab import EMOTIONS

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


def test_a_form_is_filled_in_and_read_back(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium: neither $CHROMIUM nor a program called chromium")
    items = [Item(n, 1, f"<b>text</b> {n}", EMOTIONS[n % 8]) for n in range(10)]
    files = write_label_sheets(items, tmp_path)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--headless", "--no-sandbox"])
        tab = browser.new_page()
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(files["form"].as_uri())
        assert tab.inner_text("#item3 .text") == "<b>text</b> 3"
        tab.click("#save")
        assert tab.inner_text("#warning") == "Enter your name first."
        tab.fill("#name", 'A, "B"')
        for number, item in enumerate(items[:9]):
            tab.check(f"#item{number} input[value={item.system}]")
        tab.click("#save")
        assert tab.inner_text("#warning") == "1 not answered: marked in red."
        tab.reload()
        assert tab.inner_text("#count") == "9 of 10 answered"
        tab.check("#item9 input[value=fear]")
        saved = []
        for name in ('A, "B"', "Zoë"):
            tab.fill("#name", name)
            with tab.expect_download() as download:
                tab.click("#save")
            saved.append(tmp_path / download.value.suggested_filename)
            download.value.save_as(saved[-1])
        assert all(url.startswith(("file:", "blob:")) for url in asked)
        browser.close()
    found = agreement(*read_labels(files["key"], saved))
    assert found["annotators"] == ["labels_A_B_", "labels_Zoë"]
    assert found["system"]["majority"]["value"] == 0.9 and found["kappa"][0]["value"] == 1.0
