"""A small build of all stages but the last, made by hand, and the table that AssembleTable makes of it."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa

from emo3d_exp.dataset_builder import AssembleTable, SetAsideCopies, Stage, run_stages

FLOATS = pa.list_(pa.float32())
IMAGE = pa.struct(
    [("image", pa.binary()), ("key", pa.string()), ("text_number", pa.int64()), ("reason", pa.string())]
)
FACE = pa.struct(
    [
        ("face_number", pa.int64()),
        ("blendshapes", FLOATS),
        *((name, pa.float32()) for name in ("confidence", "yaw", "pitch", "roll")),
        ("reason", pa.string()),
    ]
)


def jpeg(value: int, size: int = 16) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def sample(number: int, *texts: str, faces: int = 1, without: tuple[int, ...] = ()) -> dict:
    """A sample with pictures; the faces ``without`` were not found."""
    rng = np.random.default_rng(number)
    emotions = np.zeros(8)
    emotions[number % 8] = 0.9
    emotions[(number + 1) % 8] = rng.uniform(0.1, 0.6)
    pictures = [jpeg(10 * number + face) for face in range(faces)]
    return {
        "sample_id": number,
        "texts": list(texts) or [" ".join(f"w{word}" for word in rng.integers(0, 10**6, 9))],
        "prompt_type": "told",
        "emotions": emotions.tolist(),
        "images": [
            {"image": p, "key": hashlib.sha256(p).hexdigest()[:16], "text_number": 1, "reason": None}
            for p in pictures
        ],
        "faces": [_face(n, rng, n in without) for n in range(1, faces + 1)],
        "set_aside": None,
    }


def _face(number: int, rng: np.random.Generator, lost: bool) -> dict:
    pose = dict.fromkeys(("confidence", "yaw", "pitch", "roll"), None if lost else 0.5)
    scores = None if lost else rng.uniform(0, 1, 52).tolist()
    reason = "no face was found" if lost else None
    return {"face_number": number, "blendshapes": scores, **pose, "reason": reason}


class _Given(Stage):
    """Rows that are given instead of computed."""

    columns: tuple[tuple[str, pa.DataType], ...]
    shard_rows = 16

    def __init__(self, rows: list[dict]) -> None:
        self.rows = rows

    def parameters(self) -> dict:
        return {}

    def schema(self) -> pa.Schema:
        return pa.schema([("sample_id", pa.int64()), *self.columns, ("set_aside", pa.string())])

    def source(self) -> list[dict]:
        return self.rows

    def process(self, rows: list[dict]) -> list[dict]:
        names = self.schema().names
        return [{name: row[name] for name in names} for row in rows]


class Texts(_Given):
    name = "texts"
    columns = (("texts", pa.list_(pa.string())), ("prompt_type", pa.string()))


class Emotions(_Given):
    name = "emotions"
    columns = (("emotions", FLOATS),)


class Images(_Given):
    name = "images"
    columns = (("images", pa.list_(IMAGE)),)


class Faces(_Given):
    name = "blendshapes"
    columns = (("faces", pa.list_(FACE)),)


def build(folder: Path, rows: list[dict], assemble: AssembleTable | None = None) -> Path:
    """The folder of a build with these samples."""
    run_stages(folder, stages(rows, assemble), progress=False)
    return folder


def stages(rows: list[dict], assemble: AssembleTable | None = None) -> list[Stage]:
    """Those of a build, in order."""
    given = [kind(rows) for kind in (Emotions, Images, Faces)]
    return [Texts(rows), SetAsideCopies(), *given, assemble or AssembleTable()]
