"""Which texts people are asked about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS, dominant


@dataclass(frozen=True)
class Item:
    """A text of a sheet, with the dominant emotion and the (8,) intensities of its sample by the data set
    ("the system")."""

    sample_id: int
    text_number: int
    text: str
    system: str
    vector: tuple[float, ...] = ()


def draw_texts(corpus: Corpus, count: int, seed: int = 0) -> list[Item]:
    """Draw texts, at most one a sample, stratified by dominant emotion and in random order.

    Every emotion gets as equal a number as there are samples; what an emotion cannot give, and a remainder,
    goes to others drawn at random.

    Raises:
        ConfigError: fewer than 1, or more than there are samples with a text.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(corpus.text))
    samples, first = np.unique(corpus.text_sample[shuffled], return_index=True)
    if not 1 <= count <= len(samples):
        raise ConfigError(
            f"human.count={count} must lie in 1 … {len(samples)}, the samples of data={corpus.name}"
        )
    chosen_text = shuffled[first]
    labels = dominant(corpus.emotions)[samples]
    chosen: list[int] = []
    for label, wanted in enumerate(_shares(np.bincount(labels, minlength=len(EMOTIONS)), count, rng)):
        chosen += rng.choice(np.flatnonzero(labels == label), wanted, replace=False).tolist()
    return [
        Item(
            int(corpus.sample_id[samples[place]]),
            int(corpus.text_number[chosen_text[place]]),
            corpus.text[chosen_text[place]],
            EMOTIONS[labels[place]],
            tuple(float(f"{value:.6g}") for value in corpus.emotions[samples[place]]),
        )
        for place in rng.permutation(chosen)
    ]


def _shares(available: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """How many of each stratum: rounds of one each, while it has some left."""
    shares = np.zeros(len(available), dtype=np.int64)
    while shares.sum() < count:
        open_ones = np.flatnonzero(shares < available)
        for label in rng.permutation(open_ones)[: count - int(shares.sum())]:
            shares[label] += 1
    return shares.tolist()
