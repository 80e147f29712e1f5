"""Texts and emotions without a network, by the generator that data=mini uses; synthetic, and named so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.dataset_builder.stage import Row, Stage, sample_rng
from emo3d_exp.dataset_builder.stage_schemas import emotions_schema, texts_schema
from emo3d_exp.dataset_builder.texts import bank_texts, face_descriptions, rated, told
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.dataset_builder.texts import DescribedText

RATER = "offline generator"


class OfflineTexts(Stage):
    """Sentences that were written for ``data=mini`` and descriptions of faces composed of phrases.

    Args:
        samples: so many, one text each; a smaller set is the beginning of a larger one.
        seed: of the order, and of what is composed.
        face_descriptions: composed, among all that there are to draw from.

    Raises:
        ConfigError: more samples than there are distinct texts.
    """

    name = "texts"

    def __init__(self, samples: int = 1000, seed: int = 0, face_descriptions: int = 700) -> None:
        if samples < 1 or seed < 0 or face_descriptions < 0:
            raise ConfigError(
                f"builder.texts: samples={samples} must be at least 1, seed={seed} and "
                f"face_descriptions={face_descriptions} not negative"
            )
        self.samples, self.seed, self.face_descriptions = samples, seed, face_descriptions

    def parameters(self) -> dict[str, Any]:
        return {"generator": RATER, "seed": self.seed, "face_descriptions": self.face_descriptions}

    def schema(self) -> pa.Schema:
        return texts_schema()

    def source(self) -> list[Row]:
        rng = np.random.default_rng(self.seed)
        written = [told(each, rng) for each in bank_texts()]
        distinct = {each.text: each for each in [*written, *face_descriptions(self.face_descriptions, rng)]}
        if self.samples > len(distinct):
            raise ConfigError(
                f"builder.texts.samples={self.samples}, but offline there are {len(distinct)} distinct "
                "texts; take fewer, more builder.texts.face_descriptions, or builder/texts=llm"
            )
        texts = list(distinct.values())
        order = rng.permutation(len(texts))[: self.samples]
        return [{"sample_id": sample, "described": texts[place]} for sample, place in enumerate(order)]

    def process(self, rows: list[Row]) -> list[Row]:
        return [{"sample_id": row["sample_id"], **_columns(row["described"])} for row in rows]


class OfflineEmotions(Stage):
    """The intensities that the offline texts were written for, a little off, as a rater might give them.

    Args:
        seed: of what is a little off.
    """

    name = "emotions"
    reads = {"texts": ("asked",)}  # noqa: RUF012 - typed in Stage

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def parameters(self) -> dict[str, Any]:
        return {"rater": RATER, "seed": self.seed}

    def schema(self) -> pa.Schema:
        return emotions_schema()

    def process(self, rows: list[Row]) -> list[Row]:
        return [{"sample_id": row["sample_id"], **self._rated(row)} for row in rows]

    def _rated(self, row: Row) -> Row:
        fine = {"rater": RATER, "calls": 0, "cost": 0.0}
        if row["asked"] is None:
            return fine | {"emotions": None, "set_aside": "the text was not written for known emotions"}
        rng = sample_rng(self.seed, row["sample_id"], self.name)
        return fine | {"emotions": rated(np.array(row["asked"]), rng).tolist(), "set_aside": None}


def _columns(described: DescribedText) -> Row:
    return {
        "texts": [described.text],
        "prompt_type": described.style,
        "asked": described.emotions.tolist(),
        "age": described.age,
        "gender": described.gender,
        "style": described.style,
        "calls": 0,
        "cost": 0.0,
        "set_aside": None,
    }
