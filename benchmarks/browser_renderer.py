"""The built-in head drawn by three.js in headless Chromium with software WebGL."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces import Rig
from emo3d_exp.faces.gltf import write_gltf
from emo3d_exp.vocab import MORPH_TARGETS

FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
PAGE = """<!doctype html><script type="importmap">
{"imports": {"three": "/three/build/three.module.js", "three/addons/": "/three/examples/jsm/"}}
</script><script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
const size = SIZE, names = NAMES;
const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
renderer.setSize(size, size);
document.body.append(renderer.domElement);
const scene = new THREE.Scene(), camera = new THREE.PerspectiveCamera(18, 1, 0.1, 100);
scene.background = new THREE.Color(0.87, 0.87, 0.88);
scene.add(new THREE.HemisphereLight(0xffffff, 0x888888, 1.5));
const key = new THREE.DirectionalLight(0xffffff, 2);
key.position.set(0.4, 0.5, 0.8);
scene.add(key);
const model = (await new GLTFLoader().loadAsync("/head.glb")).scene;
scene.add(model);
const box = new THREE.Box3().setFromObject(model), middle = box.getCenter(new THREE.Vector3());
const away = box.getSize(new THREE.Vector3()).y / 2 / Math.tan(Math.PI * 9 / 180);
camera.position.set(middle.x, middle.y, box.max.z + 0.94 * away);
camera.lookAt(middle.x, middle.y, middle.z);
const heads = [];
model.traverse((node) => { if (node.morphTargetInfluences) heads.push(node); });
const gl = renderer.getContext(), pixels = new Uint8Array(size * size * 4);
window.draw = (faces) => {
  let sum = 0;
  for (const face of faces) {
    for (const head of heads)
      names.forEach((name, k) => {
        const place = head.morphTargetDictionary[name];
        if (place !== undefined) head.morphTargetInfluences[place] = face[k];
      });
    renderer.render(scene, camera);
    gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    sum += pixels[4 * (size * (size >> 1) + (size >> 1))];
  }
  return sum;
};
window.ready = heads.length;
</script>"""


def race_threejs(rig: Rig, faces: np.ndarray, size: int, folder: Path) -> list[tuple[str, float, float]]:
    """Name, milliseconds a face and the browser's peak megabytes: by the clock, and by CPU time of all its
    processes, whatever number of cores they used. Pixels are read back, as for a data set."""
    three = folder / "node_modules" / "three"
    if not three.is_dir():
        raise ConfigError(f"{three} is not there: run `npm install --prefix {folder} three` first")
    from playwright.sync_api import sync_playwright

    page_text = PAGE.replace("SIZE", str(size)).replace("NAMES", repr(list(MORPH_TARGETS)))
    weights = rig.weights(faces).tolist()
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        (site / "index.html").write_text(page_text)
        (site / "three").symlink_to(three.resolve())
        write_gltf(rig, site / "head.glb")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=name))
        Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as player:
            browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_function("window.ready > 0", timeout=120_000)
            page.evaluate("faces => draw(faces)", weights[:3])
            cpu, clock = _cpu_of_children(), time.perf_counter()
            page.evaluate("faces => draw(faces)", weights)
            clock, cpu = time.perf_counter() - clock, _cpu_of_children() - cpu
            peak = sum(_status(child, "VmHWM") for child in _descendants()) / 1024
            browser.close()
        server.shutdown()
    return [
        (f"{rig.name} three.js, software WebGL, by the clock", clock / len(faces) * 1000, peak),
        (f"{rig.name} three.js, software WebGL, CPU time", cpu / len(faces) * 1000, peak),
    ]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *message: object) -> None:
        """Says nothing."""


def _descendants() -> list[Path]:
    """Folders under /proc of the processes that this one started, and theirs."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, generation = [], {os.getpid()}
    while generation := {child for child, parent in parents.items() if parent in generation}:
        found += generation
    return [Path("/proc") / str(child) for child in found]


def _cpu_of_children() -> float:
    """CPU seconds of all descendants so far."""
    ticks = 0
    for child in _descendants():
        fields = (child / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _status(process: Path, key: str) -> int:
    lines = (process / "status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
