"""Everything that a data set's report tells, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from emo3d_exp.dataset_builder.report import published
from emo3d_exp.dataset_builder.report.counting import (
    Overview,
    Wording,
    emotion_means,
    frequent_words,
    overview,
    texts_per_emotion,
    wording_by_emotion,
    words_per_text,
)
from emo3d_exp.dataset_builder.report.synsets import SynsetTables, synset_tables
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS


@dataclass(frozen=True)
class Analysis:
    """A data set in figures; each is defined where it is counted (``counting.py``, ``synsets.py``).

    Attributes:
        name: of the data set. fingerprint: of its content. overview: table 1. wording: table 3.
        frequent: table 4, by dominant emotion and "all". synsets: tables 5 and 6. lengths: (T,) words of each
            text. texts: (8,) texts of each dominant emotion. means, deviations: (8, 8), NaN where no sample
            is.
    """

    name: str
    fingerprint: str
    overview: Overview
    wording: list[Wording]
    frequent: dict[str, list[tuple[str, int]]]
    synsets: SynsetTables
    lengths: np.ndarray
    texts: np.ndarray
    means: np.ndarray
    deviations: np.ndarray

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is not known is None."""
        return {
            "schema": 1,
            "data": self.name,
            "fingerprint": self.fingerprint,
            "table_1": asdict(self.overview),
            "table_3": [asdict(row) for row in self.wording],
            "table_3_published": {
                "source": published.SOURCE,
                "rows": {name: asdict(row) for name, row in published.TABLE_3.items()},
            },
            "table_4": {name: [list(pair) for pair in pairs] for name, pairs in self.frequent.items()},
            "table_5_nouns": [asdict(row) for row in self.synsets.nouns],
            "table_6_verbs": [asdict(row) for row in self.synsets.verbs],
            "tables_5_and_6_left_out": self.synsets.missing,
            "figure_8": np.bincount(self.lengths).tolist(),
            "figure_9": dict(zip(EMOTIONS, self.texts.tolist(), strict=True)),
            "figure_10": {"mean": _known(self.means), "standard_deviation": _known(self.deviations)},
        }


def analyse(corpus: Corpus, top: int = 20, wordnet: str | None = None) -> Analysis:
    """Count everything.

    Args:
        top: rows of tables 4, 5 and 6. wordnet: nltk_data folder; None for where NLTK looks itself,
            without which tables 5 and 6 are left out.

    Raises:
        ConfigError: ``top`` is no number from 1, or ``wordnet`` no WordNet.
        DataError: the corpus has no text.
    """
    if top < 1:
        raise ConfigError(f"report.top={top} must be at least 1")
    if not corpus.text:
        raise DataError(f"data={corpus.name} has no text to report on")
    means, deviations = emotion_means(corpus)
    return Analysis(
        name=corpus.name,
        fingerprint=corpus.fingerprint(),
        overview=overview(corpus),
        wording=wording_by_emotion(corpus),
        frequent=frequent_words(corpus, top),
        synsets=synset_tables(corpus.text, top, wordnet),
        lengths=words_per_text(corpus),
        texts=texts_per_emotion(corpus),
        means=means,
        deviations=deviations,
    )


def _known(values: np.ndarray) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row] for row in values]
