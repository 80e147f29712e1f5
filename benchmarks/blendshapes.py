"""Blendshapes read from pictures of ICT-FaceKit by the real FaceLandmarker: one loop, processes, Ray actors.

    python benchmarks/blendshapes.py --ict ict_facekit.tar.xz      # 1,000 pictures, 2 workers
    python benchmarks/blendshapes.py --ict ICT-FaceKit --model face_landmarker.task --images 200 --json

Draws the pictures once into a temporary folder, then reads them in turn by one loop, by ``executor=local``
and by ``executor=ray``, each in a process of its own, at a quarter of the pictures and at all of them. Says
how long they took, with and without the start of processes, whether the rows are identical, and the peaks of
resident memory of the parent and of its largest worker.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from noted_stages import DrawnHeads, Noted, peak

from emo3d_exp.dataset_builder import LocalExecutor, RayExecutor, RowStore, run_stages

WAYS = ("loop", "local", "ray")


def read(build: Path, way: str, workers: int, model: str | None) -> dict[str, Any]:
    """Read all pictures of a build in one way; call in a fresh process."""
    stage = Noted(model, processes=1 if way == "loop" else workers)
    stage.log = str(build / f"{way}.log")
    executor = RayExecutor() if way == "ray" else LocalExecutor()
    began = time.time()
    manifest = run_stages(build, [DrawnHeads(0, 0, "", 1), stage], ["blendshapes"], executor, progress=False)
    ended = time.time()
    lines = [line.split() for line in Path(stage.log).read_text().splitlines()]
    at_work = max(float(line[2]) for line in lines) - min(float(line[1]) for line in lines)
    faces = [row["faces"][0] for row in RowStore(build, "blendshapes").rows(["faces"])]
    return {
        "rows": manifest["blendshapes"]["content_hash"],
        "found": sum(face["blendshapes"] is not None for face in faces) / len(faces),
        "seconds": round(ended - began, 2),
        "seconds_at_work": round(at_work, 2),
        "images_per_second": round(len(faces) / at_work, 1),
        "parent_MiB": round(peak(os.getpid())),
        "worker_MiB": round(max(float(line[3]) for line in lines)),
        "processes": len({line[0] for line in lines}),
    }


def apart(function: Any, *arguments: Any) -> Any:
    """Call in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def given(path: Path | None) -> str | None:
    return None if path is None else str(path.expanduser().resolve())


def draw(build: Path, images: int, options: argparse.Namespace) -> float:
    """Seconds that drawing took."""
    began = time.monotonic()
    stage = DrawnHeads(images, options.size, given(options.ict), options.workers)
    run_stages(build, [stage], progress=False)
    return time.monotonic() - began


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All ways, at a quarter of the pictures and at all of them."""
    result: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    for images in (options.images // 4, options.images):
        drawn = folder / str(images)
        seconds = draw(drawn, images, options)
        ways = {}
        for way in options.ways.split(","):
            build = folder / f"{images}-{way}"
            build.mkdir()
            (build / "images").symlink_to(drawn / "images")
            ways[way] = apart(read, build, way, options.workers, given(options.model))
        result[str(images)] = {"drawing_seconds": round(seconds, 1), **_compared(ways)}
    return result | {"load_after": os.getloadavg()[0]}


def _compared(ways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    loop = ways["loop"]
    for found in ways.values():
        found["times_the_loop"] = round(loop["seconds_at_work"] / found["seconds_at_work"], 2)
        found["times_the_loop_with_start"] = round(loop["seconds"] / found["seconds"], 2)
    return {"identical": len({found["rows"] for found in ways.values()}) == 1, "ways": ways}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=224, help="pixels per side")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ways", default=",".join(WAYS), help="loop is always needed")
    parser.add_argument(
        "--ict", type=Path, help="checkout or archive of ICT-FaceKit; without, it is fetched into the cache"
    )
    parser.add_argument(
        "--model", type=Path, help="face_landmarker.task; without, the official one is fetched into the cache"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="blendshapes-") as folder:
        result = measure(Path(folder), options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for images in (str(options.images // 4), str(options.images)):
        size = result[images]
        print(f"{images} pictures, drawn in {size['drawing_seconds']} s; rows identical: {size['identical']}")
        for way, found in size["ways"].items():
            print(
                f"  {way:<6}" + "  ".join(f"{key} {value}" for key, value in found.items() if key != "rows")
            )
    print(f"load: {result['load_before']:.1f} before, {result['load_after']:.1f} after")


if __name__ == "__main__":
    main()
