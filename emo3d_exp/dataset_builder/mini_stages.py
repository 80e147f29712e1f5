"""The stages of data=mini.

Texts come with their emotions; a face follows from the emotions by the FACS prior, and is then drawn. (Data
from an image model goes the other way round: there, blendshapes are measured on the images.)
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.data import near_copy_groups
from emo3d_exp.data.splits import assign_groups
from emo3d_exp.dataset_builder.stage import Row, Stage, sample_rng
from emo3d_exp.dataset_builder.texts import bank_texts, face_descriptions, rated, told
from emo3d_exp.records import N_BLENDSHAPES
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.faces import FACSPrior, Renderer

FACE_DESCRIPTIONS = 700
VARIATION = 0.5
"""Of the prior: about a tenth of the variance lies between faces of the same emotions."""
VAL, TEST = 0.1, 0.1


def _schema(**columns: str) -> pa.Schema:
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "int": pa.int64(),
        "float": pa.float32(),
        "bytes": pa.binary(),
        "emotions": pa.list_(pa.float32(), len(EMOTIONS)),
        "blendshapes": pa.list_(pa.float32(), N_BLENDSHAPES),
    }
    return pa.schema([("sample_id", pa.int64()), *((name, kinds[kind]) for name, kind in columns.items())])


class Texts(Stage):
    """Sentences of the banks, most of them told with the reaction, and composed descriptions of faces,
    shuffled together; the first ``rows``.
    """

    name = "texts"

    def __init__(self, rows: int | None, seed: int) -> None:
        self.rows, self.seed = rows, seed

    def parameters(self) -> dict[str, Any]:
        return {"rows": self.rows, "seed": self.seed, "face_descriptions": FACE_DESCRIPTIONS}

    def schema(self) -> pa.Schema:
        return _schema(text="text", style="text", stated="emotions", age="text", gender="text")

    def source(self) -> list[Row]:
        rng = np.random.default_rng(self.seed)
        sentences = [told(each, rng) for each in bank_texts()]
        texts = {each.text: each for each in [*sentences, *face_descriptions(FACE_DESCRIPTIONS, rng)]}
        order = rng.permutation(len(texts))[: self.rows]
        every = list(texts.values())
        return [{"sample_id": sample, "described": every[place]} for sample, place in enumerate(order)]

    def process(self, rows: list[Row]) -> list[Row]:
        return [
            {
                "sample_id": row["sample_id"],
                "text": row["described"].text,
                "style": row["described"].style,
                "stated": row["described"].emotions.tolist(),
                "age": row["described"].age,
                "gender": row["described"].gender,
            }
            for row in rows
        ]


class Emotions(Stage):
    """The stated intensities as a rater might give them: a little off, with some neutral in weak ones."""

    name = "emotions"
    reads = {"texts": ("stated",)}  # noqa: RUF012 - typed in Stage

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def parameters(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def schema(self) -> pa.Schema:
        return _schema(emotions="emotions")

    def process(self, rows: list[Row]) -> list[Row]:
        return [
            {
                "sample_id": row["sample_id"],
                "emotions": rated(
                    np.array(row["stated"]), sample_rng(self.seed, row["sample_id"], self.name)
                ).tolist(),
            }
            for row in rows
        ]


class Blendshapes(Stage):
    """A face for the emotions by the FACS prior."""

    name = "blendshapes"
    reads = {"emotions": ("emotions",)}  # noqa: RUF012

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def parameters(self) -> dict[str, Any]:
        return {"seed": self.seed, "variation": VARIATION}

    def schema(self) -> pa.Schema:
        return _schema(blendshapes="blendshapes")

    @cached_property
    def _prior(self) -> FACSPrior:
        from emo3d_exp.faces import FACSPrior

        return FACSPrior(VARIATION)

    def process(self, rows: list[Row]) -> list[Row]:
        return [{"sample_id": row["sample_id"], "blendshapes": self._face(row).tolist()} for row in rows]

    def _face(self, row: Row) -> np.ndarray:
        rng = sample_rng(self.seed, row["sample_id"], self.name)
        return self._prior.sample(np.array(row["emotions"])[None], rng)[0]


class Images(Stage):
    """The face, drawn with the look of a person of the text's age and gender; JPEG."""

    name = "images"
    reads = {"blendshapes": ("blendshapes",), "texts": ("age", "gender")}  # noqa: RUF012

    def __init__(self, seed: int, size: int, jpeg_quality: int, rig: str, processes: int) -> None:
        self.seed, self.size, self.jpeg_quality, self.rig = seed, size, jpeg_quality, rig
        self.processes = processes

    def __getstate__(self) -> dict[str, Any]:
        # Every process builds a renderer of its own.
        return {key: value for key, value in self.__dict__.items() if key != "_renderer"}

    def parameters(self) -> dict[str, Any]:
        return {"seed": self.seed, "size": self.size, "jpeg_quality": self.jpeg_quality, "rig": self.rig}

    def schema(self) -> pa.Schema:
        return _schema(image="bytes", image_key="text")

    @cached_property
    def _renderer(self) -> Renderer:
        from emo3d_exp.faces import Renderer, load_rig

        return Renderer(load_rig(self.rig), size=self.size)

    def process(self, rows: list[Row]) -> list[Row]:
        return [self._image(row) for row in rows]

    def _image(self, row: Row) -> Row:
        import cv2

        from emo3d_exp.faces import random_look

        look = random_look(sample_rng(self.seed, row["sample_id"], self.name), row["age"], row["gender"])
        pixels = self._renderer.render(np.array(row["blendshapes"], dtype=np.float32), look)[0]
        quality = [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality]
        encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], quality)[1].tobytes()
        key = hashlib.sha256(encoded).hexdigest()[:32]
        return {"sample_id": row["sample_id"], "image": encoded, "image_key": key}


class Assemble(Stage):
    """One table of everything but the pixels, and the split: near copies of a text never in two parts."""

    name = "assemble"
    reads = {  # noqa: RUF012
        "texts": ("text", "style", "age", "gender"),
        "emotions": ("emotions",),
        "blendshapes": ("blendshapes",),
        "images": ("image_key",),
    }
    shard_rows = None

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def parameters(self) -> dict[str, Any]:
        return {"seed": self.seed, "val": VAL, "test": TEST}

    def schema(self) -> pa.Schema:
        emotions = dict.fromkeys(EMOTIONS, "float")
        place = {"image_shard": "text", "image_row": "int", "image_key": "text"}
        person = {"split": "text", "age": "text", "gender": "text"}
        return _schema(
            prompt_type="text", text_1="text", **emotions, blendshapes="blendshapes", **place, **person
        )

    def process(self, rows: list[Row]) -> list[Row]:
        groups = near_copy_groups([row["text"] for row in rows])
        strata = dominant(np.array([row["emotions"] for row in rows]))
        splits = assign_groups(groups, strata, VAL, TEST, np.random.default_rng(self.seed))
        return [_assembled(row, str(split)) for row, split in zip(rows, splits, strict=True)]


def _assembled(row: Row, split: str) -> Row:
    return {
        "sample_id": row["sample_id"],
        "prompt_type": row["style"],
        "text_1": row["text"],
        **dict(zip(EMOTIONS, row["emotions"], strict=True)),
        "blendshapes": row["blendshapes"],
        "image_shard": row["images_shard"],
        "image_row": row["images_row"],
        "image_key": row["image_key"],
        "split": split,
        "age": row["age"],
        "gender": row["gender"],
    }
