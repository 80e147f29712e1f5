"""A data set of 120 samples, an encoder and a tracker, all chosen by ``_target_`` like the real ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.cli import CONF
from emo3d_exp.backbones import Encoder
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.tracking import NoTracker
from emo3d_exp.vocab import EMOTIONS

SAMPLES, DIM, SIDE = 120, 16, 8
PROTOTYPES = np.random.default_rng(7).random((len(EMOTIONS), 52)) ** 2
DIRECTIONS = np.random.default_rng(8).normal(size=(len(EMOTIONS), DIM))


class WordEncoder(Encoder):
    """Reads emotions from texts such as ``anger 0.8 and fear 0.1``, and from the rows of a picture.

    Args:
        seen: "text" or "text,image". salt: stands in the fingerprint. count: file that counts calls.
    """

    def __init__(
        self, name: str = "words", seen: str = "text,image", salt: str = "a", log: str | None = None
    ) -> None:
        self.name, self.dim, self.modalities = name, DIM, frozenset(seen.split(","))
        self.fingerprint = f"{name}-{salt}"
        self.log = log

    def check(self) -> None:
        """Nothing is needed."""

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        found = [dict(re.findall(r"(\w+) (\d\.\d+)", text)) for text in texts]
        self._note("text", texts)
        return self._embed(np.array([[float(f.get(e, 0)) for e in EMOTIONS] for f in found]).reshape(-1, 8))

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        self._note("image", images)
        return self._embed(np.stack([image[:, 0, 0] / 255 for image in images]))

    def _embed(self, emotions: np.ndarray) -> np.ndarray:
        return (emotions @ DIRECTIONS).astype(np.float32)

    def _note(self, kind: str, items: Sequence[Any]) -> None:
        if self.log is not None:
            with Path(self.log).open("a") as file:
                file.write(f"{kind}\n" * len(items))


class TinyData:
    """Samples with two texts and one face; some faces lack a picture, one lacks scores.

    Args:
        folder: where the pictures lie. seed: of emotions and faces.
    """

    name = "tiny"

    def __init__(self, folder: str, seed: int = 0) -> None:
        self.folder, self.seed = Path(folder), seed

    def load(self) -> Corpus:
        rng = np.random.default_rng(self.seed)
        emotions = rng.integers(0, 11, (SAMPLES, 8)) / 10 * (rng.random((SAMPLES, 8)) < 0.4)
        emotions[np.arange(SAMPLES), np.arange(SAMPLES) % 8] = 0.9
        faces = emotions / emotions.sum(axis=1, keepdims=True) @ PROTOTYPES
        faces += 0.01 * rng.normal(size=faces.shape)
        faces = faces.clip(0, 1).astype(np.float32)
        faces[3] = np.nan
        rows = np.arange(SAMPLES)
        return Corpus(
            name=self.name,
            sample_id=rows * 10 + 1,
            emotions=emotions.astype(np.float32),
            published_split=np.array(["train"] * 80 + ["val"] * 20 + ["test"] * 20),
            text=tuple(words(emotions[row], number) for row in rows for number in (1, 2)),
            text_sample=rows.repeat(2),
            text_number=np.tile([1, 2], SAMPLES),
            image=tuple(None if row % 5 == 0 else self._picture(row, emotions[row]) for row in rows),
            blendshapes=faces,
            face_sample=rows,
            face_number=np.ones(SAMPLES, dtype=np.int64),
        )

    def _picture(self, row: int, emotions: np.ndarray) -> ImageRef:
        from PIL import Image

        file = self.folder / f"{self.seed}_{row}.png"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.round(emotions * 255).astype(np.uint8)[:, None, None].repeat(SIDE, 1).repeat(3, 2)
            Image.fromarray(pixels).save(file)
        return ImageRef(str(file), f"{self.seed}_{row}")


def words(emotions: np.ndarray, number: int) -> str:
    """The emotions of a vector as a text; two numbers, two orders."""
    parts = [f"{name} {value:.2f}" for name, value in zip(EMOTIONS, emotions, strict=True) if value]
    return " and ".join(parts if number == 1 else parts[::-1]) + "." * number


class RecordingTracker(NoTracker):
    """Keeps what it is told in a list of the class."""

    calls: list[tuple[str, Any]] = []  # noqa: RUF012

    def start(
        self,
        run_dir: Path,
        config: Mapping[str, Any],
        name: str,
        group: str | None,
        tags: Sequence[str],
        job_type: str,
        resume_id: str | None,
    ) -> None:
        super().start(run_dir, config, name, group, tags, job_type, resume_id)
        self.calls.append(
            ("start", {"name": name, "job_type": job_type, "resume_id": resume_id, "config": config})
        )

    @property
    def run_id(self) -> str | None:
        return "page-1"

    def summary(self, metrics: Mapping[str, float | str]) -> None:
        self.calls.append(("summary", dict(metrics)))

    def finish(self, exit_code: int = 0) -> None:
        self.calls.append(("finish", exit_code))


def config(folder: Path, *overrides: str, **groups: Mapping[str, Any]) -> DictConfig:
    """The training config of ``conf/`` with the tiny task; ``groups`` replace whole groups."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(
            "train",
            [
                "metric=mse",
                "tracking=none",
                "threads=1",
                "batch_size=32",
                "trainer.max_epochs=12",
                *overrides,
            ],
        )
    tiny: dict[str, Mapping[str, Any]] = {
        "backbone": {"_target_": "tiny_task.WordEncoder", "name": "words"},
        "data": {"_target_": "tiny_task.TinyData", "folder": str(folder / "pictures")},
    }
    OmegaConf.set_struct(cfg, False)
    for group, content in (tiny | groups).items():
        cfg[group] = content
    cfg.run_dir = str(folder / "run")
    OmegaConf.set_struct(cfg, True)
    return cfg
