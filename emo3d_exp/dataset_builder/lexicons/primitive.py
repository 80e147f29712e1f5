"""Primitive emotion faces: single emotion words, for both genders, in three intensities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from string import Template
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.lexicons.emotions import emotions_row
from emo3d_exp.dataset_builder.lexicons.lexicon import Lexicon, read_lexicon
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.dataset_builder.stage_schemas import emotions_schema
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

GENDERS = ("male", "female")
PLACES = {"word", "gender", "intensity"}


class PrimitiveTexts(Stage):
    """The grid of emotion words × {male, female} × intensities, a short text for each cell.

    Beside the columns of every ``texts`` stage: ``word``, the emotion word, and ``level``, its intensity as a
    number, which :class:`PrimitiveEmotions` reads. ``style`` is the intensity's name.

    Args:
        words: emotion words, each once. intensities: name → level in (0, 1].
        template: text of a cell, with ``$word``, ``$gender`` and ``$intensity``.
    """

    name = "texts"

    def __init__(self, words: Sequence[str], intensities: Mapping[str, float], template: str) -> None:
        self.words = [word.strip().lower() for word in words]
        self.intensities = {name: float(level) for name, level in intensities.items()}
        self.template = template
        self._check()

    def _check(self) -> None:
        if not self.words or not all(self.words) or len(set(self.words)) < len(self.words):
            raise ConfigError("words must be a list of different words, none of them empty")
        bad = [name for name, level in self.intensities.items() if not 0 < level <= 1]
        if bad or not self.intensities:
            raise ConfigError(f"intensities need levels above 0 and up to 1: {self.intensities}")
        template = Template(self.template)
        places = set(template.get_identifiers())
        if not template.is_valid() or places != PLACES:
            raise ConfigError(
                f"builder.texts.template={self.template!r} must have $word, $gender and $intensity, no others"
            )

    def parameters(self) -> dict[str, Any]:
        return {"words": self.words, "intensities": self.intensities, "template": self.template}

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        text, number = pa.string(), pa.float64()
        return pa.schema(
            [
                ("sample_id", pa.int64()),
                ("texts", pa.list_(text)),
                *((name, text) for name in ("prompt_type", "age", "gender", "style", "word")),
                ("level", number),
                ("asked", pa.list_(pa.float32(), 8)),
                ("calls", pa.int64()),
                ("cost", number),
                ("set_aside", text),
            ]
        )

    def source(self) -> list[Row]:
        cells = product(self.words, GENDERS, self.intensities)
        return [{"sample_id": number, "cell": cell} for number, cell in enumerate(cells)]

    def process(self, rows: list[Row]) -> list[Row]:
        return [self._text(row["sample_id"], *row["cell"]) for row in rows]

    def _text(self, sample: int, word: str, gender: str, intensity: str) -> Row:
        text = Template(self.template).substitute(word=word, gender=gender, intensity=intensity)
        return {
            "sample_id": sample, "texts": [text], "prompt_type": "primitive", "age": None, "gender": gender,
            "style": intensity, "word": word, "level": self.intensities[intensity], "asked": None, "calls": 0,
            "cost": 0.0, "set_aside": None,
        }  # fmt: skip


class PrimitiveEmotions(Stage):
    """The lexicon's vector of a primitive face's word, scaled so that its strongest emotion has the level
    that the text asks for: the distribution is the lexicon's, whatever the intensity. Words that the lexicon
    does not know are set aside.

    Args:
        lexicon, path, contempt: as in :class:`LexiconEmotions`.
    """

    name = "emotions"
    reads = {"texts": ("word", "level")}  # noqa: RUF012 - typed in Stage

    def __init__(self, lexicon: str = "emolex", path: str | None = None, contempt: str = "dyad") -> None:
        self.lexicon, self.path, self.contempt = lexicon, path, contempt

    @cached_property
    def _known(self) -> Lexicon:
        return read_lexicon(self.lexicon, self.path, self.contempt)

    def parameters(self) -> dict[str, Any]:
        return {"lexicon": self.lexicon, "content": self._known.digest, "contempt": self.contempt}

    def schema(self) -> pa.Schema:
        return emotions_schema()

    def process(self, rows: list[Row]) -> list[Row]:
        return [self._rated(row) for row in rows]

    def _rated(self, row: Row) -> Row:
        vector = self._known.vectors.get(row["word"])
        if vector is None:
            reason = f"the lexicon {self.lexicon} gives {row['word']!r} none of the eight emotions"
            return emotions_row(row["sample_id"], None, self.lexicon, reason)
        return emotions_row(row["sample_id"], vector * (row["level"] / vector.max()), self.lexicon)
