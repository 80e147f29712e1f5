"""Exports in the hands of others: Khronos' validator, and three.js in headless Chromium.

Both come from npm, into any folder, which EMO3D_NODE_MODULES names::

    npm install --prefix viewers gltf-validator three
    pip install playwright
    EMO3D_NODE_MODULES=viewers/node_modules python -m pytest -m slow tests/exporters/test_viewers.py

Chromium is looked for on the PATH, or at EMO3D_CHROMIUM. With EMO3D_PICTURES=FOLDER the pictures are kept.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emo3d_exp.exporters import ExportRequest, export
from emo3d_exp.faces import FACSPrior, load_rig
from emo3d_exp.vocab import MORPH_TARGETS

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent / "viewers"
FLAGS = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox")
SITE = "http://face.test"


@pytest.fixture(scope="module")
def modules() -> Path:
    folder = os.environ.get("EMO3D_NODE_MODULES")
    if folder is None or shutil.which("node") is None:
        pytest.skip("needs node, and EMO3D_NODE_MODULES with gltf-validator and three from npm")
    return Path(folder)


@pytest.fixture(scope="module")
def request_of() -> ExportRequest:
    """Happiness, surprise and anger on the shipped head."""
    faces = FACSPrior().prototype(np.eye(8)[[1, 2, 4]])
    return ExportRequest(faces, rig=load_rig(), captions=("happiness", "surprise", "anger"))


@pytest.fixture(scope="module")
def files(request_of: ExportRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    names = ("gltf", "gltf_animation", "gltf_posed")
    return {name: export(name, request_of, folder / f"{name}.glb")[0] for name in names}


@pytest.mark.parametrize("name", ["gltf", "gltf_animation", "gltf_posed"])
def test_khronos_validator_finds_nothing(name: str, modules: Path, files: dict[str, Path]) -> None:
    command = ["node", str(HERE / "validate.cjs"), str(modules), str(files[name])]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert report["issues"]["messages"] == []
    assert report["info"]["totalVertexCount"] == len(load_rig().neutral)
    assert report["info"]["animationCount"] == (name == "gltf_animation")
    assert report["info"]["hasMorphTargets"] == (name != "gltf_posed")


@pytest.fixture(scope="module")
def show(modules: Path) -> Iterator[Callable[..., Any]]:
    """``show(file)``: a page in which three.js shows it; no server is needed, requests are answered here."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = (
        os.environ.get("EMO3D_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if chromium is None:
        pytest.skip("needs Chromium on the PATH, or at EMO3D_CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))

        def opened(file: Path) -> Any:
            page = browser.new_page(viewport={"width": 512, "height": 512})
            page.on("pageerror", lambda error: pytest.fail(f"three.js: {error}"))
            page.route("**/*", lambda route: answer(route, file, modules))
            page.goto(f"{SITE}/")
            page.wait_for_function("window.ready", timeout=60_000)
            low, high = load_rig().neutral.min(axis=0), load_rig().neutral.max(axis=0)
            place = [*((low + high) / 2).tolist(), 2.6 * float(high[1] - low[1])]
            page.evaluate("place => look(...place)", place)
            return page

        yield opened
        browser.close()


def answer(route: Any, file: Path, modules: Path) -> None:
    path = route.request.url.removeprefix(SITE)
    known = {"/": (HERE / "show.html", "text/html"), "/face.glb": (file, "model/gltf-binary")}
    found, kind = known.get(path, (modules / path.lstrip("/"), "text/javascript"))
    if found.is_file():
        route.fulfill(body=found.read_bytes(), content_type=kind)
    else:
        route.fulfill(status=404)


def picture(page: Any, name: str) -> np.ndarray:
    content = page.screenshot()
    if folder := os.environ.get("EMO3D_PICTURES"):
        Path(folder, f"{name}.png").write_bytes(content)
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int16)


def test_three_js_shows_the_face(
    show: Callable[..., Any], files: dict[str, Path], request_of: ExportRequest
) -> None:
    page = show(files["gltf"])
    shown = page.evaluate("draw(0)")
    assert shown["names"] == list(MORPH_TARGETS)
    np.testing.assert_allclose(shown["weights"], request_of.weights()[0], atol=1e-6)
    posed = show(files["gltf_posed"])
    posed.evaluate("draw(0)")
    first, second = picture(page, "gltf"), picture(posed, "gltf_posed")
    drawn = np.abs(first - first[0, 0]).max(axis=2) > 20
    assert 0.1 < drawn.mean() < 0.7
    # the same geometry; only the shading differs, by the normals
    same = np.abs(second - second[0, 0]).max(axis=2) > 20
    assert (drawn != same).mean() < 0.01


def test_three_js_plays_the_movement(
    show: Callable[..., Any], files: dict[str, Path], request_of: ExportRequest
) -> None:
    page = show(files["gltf_animation"])
    pictures = []
    for row, seconds in enumerate((1.0, 3.0, 5.0)):
        shown = page.evaluate("seconds => draw(seconds)", seconds)
        np.testing.assert_allclose(shown["weights"], request_of.weights()[row], atol=1e-5)
        pictures.append(picture(page, f"gltf_animation_{seconds:.0f}s"))
    assert shown["duration"] == pytest.approx(6.8, abs=0.05)
    assert not np.any(page.evaluate("draw(0)")["weights"])
    for before, after in itertools.pairwise(pictures):
        assert (np.abs(before - after).max(axis=2) > 20).mean() > 0.005
