"""What stage ``images`` builds on: texts and emotions of a few samples."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa

from emo3d_exp.dataset_builder import Stage

CHEERFUL = [0.0, 0.9, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]


class SomeTexts(Stage):
    name = "texts"

    def __init__(self, count: int = 5, texts: int = 2) -> None:
        self.count, self.texts = count, texts

    def parameters(self):
        return {}

    def schema(self):
        words = [(name, pa.string()) for name in ("age", "gender", "style")]
        return pa.schema([("sample_id", pa.int64()), ("texts", pa.list_(pa.string())), *words])

    def source(self):
        return [{"sample_id": sample} for sample in range(self.count)]

    def process(self, rows):
        return [
            {
                "sample_id": row["sample_id"],
                "texts": [f"text {n} of sample {row['sample_id']}" for n in range(1, self.texts + 1)],
                "age": "young",
                "gender": None,
                "style": "scene",
            }
            for row in rows
        ]


class SomeEmotions(Stage):
    name = "emotions"
    reads = {"texts": ()}  # noqa: RUF012

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("emotions", pa.list_(pa.float32(), 8))])

    def process(self, rows):
        return [{"sample_id": row["sample_id"], "emotions": CHEERFUL} for row in rows]


def picture(seed: int = 0, size: int = 80, suffix: str = ".png") -> bytes:
    """An encoded image of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def input_row(sample: int = 3, texts: int = 2) -> dict:
    """What stage ``images`` is given."""
    text = SomeTexts(texts=texts).process([{"sample_id": sample}])[0]
    return {**text, "emotions": CHEERFUL}
