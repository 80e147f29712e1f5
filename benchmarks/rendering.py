"""Faces per second on one core, posing included, and peak memory, beside two other ways to draw them.

The same random faces are drawn by the full and the light renderer, for one look (as the metric does) and
for a new person each time (as a data set does); by a straightforward loop over faces in NumPy, with normals
by np.add.at and the same rasteriser; and, with --threejs, by three.js in headless Chromium with software
WebGL, which is what a user without a GPU has.

    python benchmarks/rendering.py
    npm install --prefix three three && python benchmarks/rendering.py --threejs three

Ends with status 1 if the light built-in head is drawn less than 200 times a second, or differs from the full
one by less than 35 dB, or ICT-FaceKit (where its data are there) is drawn less than 60 times a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from plain_renderer import PlainRenderer

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.faces import Look, Renderer, Rig, load_rig, random_look
from emo3d_exp.faces.populations import random_faces

NEEDED_BUILTIN, NEEDED_ICT, NEEDED_PSNR = 200.0, 60.0, 35.0
PASSES = 3
ICT = Path(__file__).resolve().parents[2] / "shared/data/ict_facekit/ict_facekit_light.tar.xz"


@dataclass(frozen=True)
class Row:
    """A way to draw faces: CPU milliseconds each, and megabytes that the process held at most by then."""

    name: str
    milliseconds: float
    megabytes: float


def measure(name: str, draw: Callable[[int], np.ndarray], count: int) -> Row:
    """Draw every face in several passes; the mean over faces of their quickest CPU time, which other
    programs on the machine disturb least."""
    draw(0)
    spent = np.empty((PASSES, count))
    for times in spent:
        for number in range(count):
            start = time.process_time()
            draw(number)
            times[number] = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(name, float(spent.min(axis=0).mean() * 1000), peak)


def psnr(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Decibels ``(B,)`` between pictures (B, H, W, 3); the same bytes count as 99."""
    error = ((first.astype(np.float64) - second) ** 2).mean(axis=(1, 2, 3))
    return -10 * np.log10(np.maximum(error / 255**2, 10**-9.9))


def race(rig: Rig, faces: np.ndarray, looks: list[Look], size: int) -> tuple[list[Row], np.ndarray]:
    """Full and light renderer, one look and many; and how near the light pictures come, in decibels."""
    rows, pictures = [], []
    for detail in ("light", "full"):
        renderer = Renderer(rig, size, detail=detail, workers=1)
        drawn = []
        for name, people in (("one look", [Look()] * len(faces)), ("new looks", looks)):
            title = f"{rig.name} {detail}, {len(renderer.figure.rig.neutral)} vertices, {name}"
            rows.append(measure(title, partial(_draw, renderer, faces, people), len(faces)))
            drawn.append(renderer.render(faces, people))
        pictures.append(np.concatenate(drawn))
    return rows, psnr(*pictures)


def _draw(renderer: Renderer, faces: np.ndarray, looks: list[Look], number: int) -> np.ndarray:
    return renderer.render(faces[number], looks[number])


def race_plain(rig: Rig, faces: np.ndarray, size: int) -> Row:
    """The straightforward loop, after checking that it draws the same pictures."""
    plain = PlainRenderer(rig, size)
    nearest = psnr(plain.render(faces[0])[None], Renderer(rig, size).render(faces[0]))[0]
    if nearest < 40:
        raise AssertionError(f"the plain loop draws something else ({nearest:.1f} dB)")
    return measure(f"{rig.name} plain loop, one look", lambda i: plain.render(faces[i]), len(faces))


def report(rows: list[Row], base: Row) -> None:
    """Print the table; the last column is speed against the row ``base``."""
    print(f"{'':52}{'ms a face':>10}{'faces/s':>9}{'times as fast':>15}{'peak MB':>9}")
    for row in rows:
        ratio = base.milliseconds / row.milliseconds
        speed = 1000 / row.milliseconds
        print(f"{row.name:52}{row.milliseconds:10.2f}{speed:9.1f}{ratio:15.2f}{row.megabytes:9.0f}")


def judge(name: str, found: float, needed: float) -> bool:
    """Print one requirement; whether it is met."""
    print(f"{name}: {found:.1f}, needed {needed:g}")
    return found >= needed


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=30, help="faces to draw each way (default 30)")
    parser.add_argument("--size", type=int, default=224, help="pixels per side (default 224)")
    parser.add_argument("--seed", type=int, default=0, help="of faces and looks (default 0)")
    parser.add_argument("--ict", type=Path, default=ICT, help="ICT-FaceKit: a checkout, or a folder with one")
    parser.add_argument("--threejs", type=Path, help="folder in which `npm install three` was run")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(chosen.seed)
    faces = random_faces(chosen.faces, rng)
    looks = [random_look(rng) for _ in faces]
    rig = load_rig("builtin")
    rows, near = race(rig, faces, looks, chosen.size)
    rows.append(race_plain(rig, faces, chosen.size))
    base = rows[-1]
    passed = [judge("built-in head, light, one look, faces/s", 1000 / rows[0].milliseconds, NEEDED_BUILTIN)]
    passed.append(judge("light against full, mean PSNR in dB", float(near.mean()), NEEDED_PSNR))
    print(f"its least: {near.min():.1f} dB over {len(near)} pictures")
    try:
        ict, ict_near = race(load_rig("ict_facekit", chosen.ict), faces, looks, chosen.size)
    except (ConfigError, DataError) as error:
        print(f"ICT-FaceKit is left out: {error}")
    else:
        rows += ict
        print(f"ICT-FaceKit, light against full: {ict_near.mean():.1f} dB, least {ict_near.min():.1f}")
        passed.append(judge("ICT-FaceKit, light, one look, faces/s", 1000 / ict[0].milliseconds, NEEDED_ICT))
    if chosen.threejs:
        from browser_renderer import race_threejs

        rows += [Row(*row) for row in race_threejs(rig, faces, chosen.size, chosen.threejs)]
    report(rows, base)
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
