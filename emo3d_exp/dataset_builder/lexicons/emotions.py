"""Emotions of texts by lexicon, where no language model rates them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.dataset_builder.lexicons.lexicon import Lexicon, read_lexicon
from emo3d_exp.dataset_builder.report.wording import words
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.dataset_builder.stage_schemas import emotions_schema
from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTION_INDEX

if TYPE_CHECKING:
    import pyarrow as pa

NEUTRAL = EMOTION_INDEX["neutral"]


class LexiconEmotions(Stage):
    """The mean vector of a text's words that the lexicon knows, every occurrence counted; over several texts
    of a sample, of all their words. A sample without a known word is set aside.

    Words are looked up as they are written, in lower case: the lexicons list many inflected forms themselves.

    Args:
        lexicon: ``emolex``, ``intensity`` or ``nrclex``. path: its file; None for ``nrclex``.
        contempt: ``dyad`` (the smaller of anger and disgust) or ``none`` (0).
        neutral_weight: from 0; how much a word without any emotion counts in the mean, beside 1 for those
            with one. At 0, the default, neutral is only what has no word with an emotion: most words of any
            text have none, so that at 1 nearly all texts would be neutral.
    """

    name = "emotions"
    reads = {"texts": ("texts",)}  # noqa: RUF012 - typed in Stage

    def __init__(
        self,
        lexicon: str = "emolex",
        path: str | None = None,
        contempt: str = "dyad",
        neutral_weight: float = 0.0,
    ) -> None:
        if not 0 <= neutral_weight <= 1:
            raise ConfigError(f"builder.emotions.neutral_weight={neutral_weight} must lie in 0 … 1")
        self.lexicon, self.path, self.contempt = lexicon, path, contempt
        self.neutral_weight = neutral_weight

    @cached_property
    def _known(self) -> Lexicon:
        return read_lexicon(self.lexicon, self.path, self.contempt)

    def parameters(self) -> dict[str, Any]:
        return {
            "lexicon": self.lexicon,
            "content": self._known.digest,
            "contempt": self.contempt,
            "neutral_weight": self.neutral_weight,
        }

    def schema(self) -> pa.Schema:
        return emotions_schema()

    def process(self, rows: list[Row]) -> list[Row]:
        return [self._rated(row["sample_id"], row["texts"]) for row in rows]

    def _rated(self, sample: int, texts: Sequence[str]) -> Row:
        found = [self._known.vectors.get(word) for text in texts for word in words(text)]
        vectors = np.array([vector for vector in found if vector is not None])
        if not len(vectors):
            return emotions_row(sample, None, self.lexicon, f"no word is in the lexicon {self.lexicon}")
        weights = np.where(vectors[:, NEUTRAL] > 0, self.neutral_weight, 1.0)
        if not weights.any():
            weights[:] = 1.0
        return emotions_row(sample, np.average(vectors, axis=0, weights=weights), self.lexicon)


def emotions_row(sample: int, vector: np.ndarray | None, rater: str, reason: str | None = None) -> Row:
    """One rated sample, free of charge."""
    emotions = None if vector is None else vector.tolist()
    row = {"sample_id": sample, "emotions": emotions, "rater": rater}
    return row | {"calls": 0, "cost": 0.0, "set_aside": reason}
