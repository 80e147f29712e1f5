"""The studio in headless Chromium: its picture for the docs, and how long a text takes to become a face.

    python benchmarks/studio.py run_dir=outputs/… [out=docs/pictures/studio.png] [texts=5]

Needs the extra "studio", playwright, and Chromium (``$CHROMIUM`` or a program called chromium). It draws in
software, which is slower than any graphics card.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emo3d_exp.faces import load_rig
from emo3d_exp.studio.examples import EXAMPLES
from emo3d_exp.studio.models import Models
from emo3d_exp.studio.serve import Studio

FLAGS = ("--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader "
         "--disable-background-networking --disable-component-update --disable-sync")  # fmt: skip
SHOWN = "I could not believe my eyes, my mouth fell open."


def main() -> None:
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    if "run_dir" not in given:
        sys.exit(__doc__)
    run = Path(given["run_dir"])
    studio = Studio(Models(run, None, "the run that you asked for", load_rig()), port=18090)
    studio.models.reader_known.wait()
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=FLAGS.split())
        first = visit(browser, studio)
        take_picture(*first, Path(given.get("out", "docs/pictures/studio.png")))
        figures = measure(studio, first, visit(browser, studio), int(given.get("texts", 5)))
        browser.close()
    studio.server.stop()
    print(json.dumps(figures, indent=2))


def visit(browser: Any, studio: Studio) -> tuple[Any, Any]:
    """A new visitor: the browser's page and the server's."""
    known = set(studio.pages)
    tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    tab.goto(f"http://127.0.0.1:{studio.server.get_port()}", timeout=180_000)
    tab.wait_for_selector("textarea", timeout=180_000)
    wait(lambda: set(studio.pages) - known)
    return tab, studio.pages[(set(studio.pages) - known).pop()]


def wait(condition: Callable[[], Any]) -> float:
    """Seconds until the condition holds."""
    start = time.monotonic()
    while not condition():
        time.sleep(0.005)
    return time.monotonic() - start


def take_picture(tab: Any, page: Any, out: Path) -> None:
    close = tab.locator(".mantine-Notification-closeButton")
    if close.count():
        close.first.click()
    show(tab, page, SHOWN)
    tab.wait_for_timeout(5000)
    out.parent.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=out, timeout=180_000)


def show(tab: Any, page: Any, text: str) -> float:
    """Type a text at once; seconds until the face has arrived, by the server's clock."""
    head = page.stage.heads[0]
    before = head.arrivals
    tab.fill("textarea", text)
    return wait(lambda: head.arrivals > before)


def measure(studio: Studio, one: tuple[Any, Any], other: tuple[Any, Any], texts: int) -> dict[str, Any]:
    """Time of a text from the last key to the face, and the server's processor time; two visitors in turn."""
    started, cpu = time.monotonic(), time.process_time()
    seconds = [show(*visitor, text) for text in EXAMPLES[:texts] for visitor in (one, other)]
    passed, used = time.monotonic() - started, time.process_time() - cpu
    idle, idle_cpu = time.monotonic(), time.process_time()
    time.sleep(10)
    run = one[1].runs[0]
    direct = time.perf_counter()
    face = studio.models.predict(run, SHOWN)
    predicted = time.perf_counter()
    one[1].appearance(face)
    posed = time.perf_counter()
    return {
        "texts": len(seconds),
        "seconds_to_arrival_median": round(sorted(seconds)[len(seconds) // 2], 2),
        "seconds_to_arrival_worst": round(max(seconds), 2),
        "server_cpu_seconds_per_text": round(used / len(seconds), 3),
        "server_cpu_share": round(used / passed, 3),
        "server_cpu_share_idle": round((time.process_time() - idle_cpu) / (time.monotonic() - idle), 4),
        "predict_ms": round(1000 * (predicted - direct), 1),
        "pose_and_light_ms": round(1000 * (posed - predicted), 1),
        "machine_load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
