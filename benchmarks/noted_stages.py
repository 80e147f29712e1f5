"""The stages that benchmarks/blendshapes.py times, where every process can import them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.dataset_builder import FaceLandmarkerScores
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture


class DrawnHeads(ImageStage):
    """Random faces of ICT-FaceKit's mean person, in random light and pose; 1 picture a sample."""

    reads = {}  # noqa: RUF012 - typed in Stage

    def __init__(self, images: int, size: int, path: str | None, processes: int) -> None:
        self.images, self.size, self.path, self.processes = images, size, path, processes
        self.renderer: Any = None

    def parameters(self) -> dict[str, Any]:
        return {"images": self.images, "size": self.size}

    def source(self) -> list[dict[str, Any]]:
        return [{"sample_id": sample, "texts": ["drawn"]} for sample in range(self.images)]

    def pictures(self, row: dict[str, Any]) -> list[Picture]:
        import cv2

        from emo3d_exp.faces import Renderer, load_rig
        from emo3d_exp.faces.populations import camera_looks, random_faces

        if self.renderer is None:
            self.renderer = Renderer(load_rig("ict_facekit", self.path), self.size, workers=1)
        rng = np.random.default_rng(row["sample_id"])
        pixels = self.renderer.render(random_faces(1, rng), camera_looks(1, rng, people=False))[0]
        return [Picture(1, cv2.imencode(".jpg", pixels[:, :, ::-1])[1].tobytes())]


class Noted(FaceLandmarkerScores):
    """Notes when it began and ended a block, so that the start of processes can be told from the work."""

    shard_rows = 25
    log = ""

    def process(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._reader  # noqa: B018 - opened before the clock starts
        began = time.time()
        made = super().process(rows)
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()} {began} {time.time()} {peak(os.getpid())}\n")
        return made


def peak(process: int) -> float:
    """Largest resident memory that a process ever had, MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
