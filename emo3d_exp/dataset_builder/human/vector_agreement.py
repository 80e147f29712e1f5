"""How far people's labels agree with the whole of the data set's emotion vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.dataset_builder.human import bootstrap
from emo3d_exp.dataset_builder.human.answers import read_key
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTIONS

EPSILON = 1e-3
"""Added to every probability before a divergence is taken, as the Emo3D metric does by default."""
EVERYBODY = "all together"


def read_vectors(key: Path | str) -> np.ndarray | None:
    """(N, 8) float64 intensities that ``key.csv`` gives the items, in its order; None where it has none, as
    those of older sheets.

    Raises:
        DataError: an intensity is no number in [0, 1], or all of an item are zero.
    """
    rows = read_key(key, ("sample_id", "text_number"), [])
    if not all(name in row for row in rows.values() for name in EMOTIONS):
        return None
    return np.array([_vector(row, f"{key}: sample_id {item[0]}") for item, row in rows.items()])


def _vector(row: Mapping[str, str], place: str) -> list[float]:
    try:
        vector = [float(row[name]) for name in EMOTIONS]
    except ValueError as error:
        raise DataError(f"{place}: {error}; write the sheets again") from error
    if not all(0 <= value <= 1 for value in vector) or not any(vector):
        raise DataError(f"{place}: {vector} are no intensities in [0, 1] with one above 0")
    return vector


def probability(people: np.ndarray, system: np.ndarray) -> np.ndarray:
    """(N,) probability in [0, 1] that the system gives to what people chose, on average over them.

    Args:
        people, system: (N, 8) distributions; people's is the share of annotators who chose each emotion.
    """
    return (people * system).sum(axis=1)


def rank(people: np.ndarray, system: np.ndarray) -> np.ndarray:
    """(N,) rank in 1 … 8, 1 for the system's strongest emotion, of what people chose, on average over them;
    emotions of one probability share their mean rank."""
    above = (system[:, None, :] > system[:, :, None]).sum(axis=2)
    equal = (system[:, None, :] == system[:, :, None]).sum(axis=2)
    return (people * (above + (equal + 1) / 2)).sum(axis=1)


def cosine(people: np.ndarray, system: np.ndarray) -> np.ndarray:
    """(N,) cosine in [0, 1] of the two distributions."""
    lengths = np.linalg.norm(people, axis=1) * np.linalg.norm(system, axis=1)
    return (people * system).sum(axis=1) / lengths


def divergence(people: np.ndarray, system: np.ndarray) -> np.ndarray:
    """(N,) Kullback-Leibler divergence of the system's from people's distribution in nats, from 0; both with
    :data:`EPSILON` added and normalised again."""
    one, other = ((each + EPSILON) / (1 + len(EMOTIONS) * EPSILON) for each in (people, system))
    return (one * np.log(one / other)).sum(axis=1)


Figure = Callable[[np.ndarray, np.ndarray], np.ndarray]
FIGURES: dict[str, tuple[Figure, bool]] = {
    "probability": (probability, True),
    "rank": (rank, False),
    "cosine": (cosine, True),
    "kl": (divergence, False),
}
"""Each with whether higher is better."""


def vector_agreement(vectors: np.ndarray, labels: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Any]:
    """Agreement of labels with vectors, as plain values.

    Args:
        vectors: (N, 8) intensities, none of them all zero. labels: (N,) int64 by annotator.

    Returns:
        For each annotator, and for all together (the distribution of their labels), the mean of each of
        :data:`FIGURES` over items with a 95 % bootstrap interval; ``chance``: its mean where the vectors are
        dealt out to the items at random; ``p_value``: how often it is then as good, or better.
    """
    system = vectors / vectors.sum(axis=1, keepdims=True)
    chosen = {name: np.eye(len(EMOTIONS))[given] for name, given in labels.items()}
    chosen[EVERYBODY] = np.mean(list(chosen.values()), axis=0)
    return {
        name: {figure: _estimated(*how, people, system, seed) for figure, how in FIGURES.items()}
        for name, people in chosen.items()
    }


def _estimated(
    figure: Figure, higher: bool, people: np.ndarray, system: np.ndarray, seed: int
) -> dict[str, float | int | None]:
    values = figure(people, system)
    told = bootstrap.estimated(lambda rows: float(values[rows].mean()), len(values), seed)
    rng, mean = np.random.default_rng(seed), float(values.mean())
    dealt = np.array(
        [figure(people, system[rng.permutation(len(system))]).mean() for _ in range(bootstrap.REPLICATES)]
    )
    as_good = dealt >= mean - 1e-12 if higher else dealt <= mean + 1e-12
    p_value = (1 + int(as_good.sum())) / (1 + len(dealt))
    return {**told, "chance": float(dealt.mean()), "p_value": p_value}
