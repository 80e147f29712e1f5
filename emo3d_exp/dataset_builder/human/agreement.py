"""How far annotators agree with each other and with the data set's emotion vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.dataset_builder.human.answers import Key, annotator_names, read_answers, read_key
from emo3d_exp.dataset_builder.human.bootstrap import estimated
from emo3d_exp.dataset_builder.human.vector_agreement import vector_agreement
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

KEYS = ("sample_id", "text_number")


def read_labels(key: Path | str, answers: Sequence[Path | str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels of the sheets that ``write_label_sheets`` wrote.

    Args:
        key: ``key.csv``. answers: two or more annotators' files.

    Returns:
        (N,) int64 dominant emotions by the system, and (N,) int64 labels of each annotator by name of the
        file.

    Raises:
        ConfigError: fewer than two files.
        DataError: any defect of a file, with its row.
    """
    if len(answers) < 2:
        raise ConfigError(
            f"human.answers={[str(path) for path in answers]}: two annotators' files or more are needed"
        )
    known = read_key(key, KEYS, ["system"])
    bad = [row["system"] for row in known.values() if row["system"] not in EMOTION_INDEX]
    if bad or not known:
        raise DataError(f"{key}: {bad[0]!r} is no emotion" if bad else f"{key} has no row")
    labels = {
        name: _labels(read_answers(path, KEYS, "label", known, EMOTIONS))
        for name, path in zip(annotator_names(answers), answers, strict=True)
    }
    return _labels({key: row["system"] for key, row in known.items()}), labels


def _labels(answers: Mapping[Key, str]) -> np.ndarray:
    return np.array([EMOTION_INDEX[answer] for answer in answers.values()], dtype=np.int64)


def majority(labels: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) the label that most annotators gave, -1 where several are the most frequent."""
    rows = []
    for votes in np.stack(labels, axis=1).tolist():
        (first, most), *others = Counter(votes).most_common()
        rows.append(-1 if others and others[0][1] == most else first)
    return np.array(rows, dtype=np.int64)


def kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Cohen's kappa of two annotators' labels; NaN where chance alone agrees always (one label only)."""
    table = confusion(one, other) / max(len(one), 1)
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float("nan") if chance >= 1 - 1e-12 else (float(np.trace(table)) - chance) / (1 - chance)


def confusion(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(8, 8) int64 counts of pairs of labels."""
    size = len(EMOTIONS)
    return np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)


def agreement(
    system: np.ndarray, labels: Mapping[str, np.ndarray], seed: int = 0, vectors: np.ndarray | None = None
) -> dict[str, Any]:
    """Everything about some labels, as plain values.

    Args:
        system: (N,) dominant emotions. labels: (N,) of each annotator. vectors: (N, 8) intensities, if known.

    Returns:
        ``kappa``: Cohen's, for each pair of annotators (scikit-learn), and ``mean_kappa`` over the pairs;
        ``system``: share of items on which the system's dominant emotion is the annotator's label, for each
        annotator and for the ``majority`` (items without one are left out and counted in ``no_majority``);
        ``confusion``: for the same, (8, 8) counts, rows: people's label, columns: the system's; ``vector``:
        agreement with the whole vectors (:func:`vector_agreement`), None where they are not known. Every
        figure has a 95 % bootstrap interval over items.

    Raises:
        ConfigError: scikit-learn is not installed.
    """
    judges = {name: (given, system) for name, given in labels.items()}
    clear = (voted := majority(list(labels.values()))) >= 0
    judges["majority"] = (voted[clear], system[clear])
    pairs = list(combinations(labels, 2))
    return {
        "schema": 1,
        "items": len(system),
        "annotators": list(labels),
        "kappa": [{"pair": list(pair), **_kappa(*(labels[name] for name in pair), seed)} for pair in pairs],
        "mean_kappa": estimated(
            lambda rows: float(np.mean([kappa(labels[a][rows], labels[b][rows]) for a, b in pairs])),
            len(system),
            seed,
        ),
        "system": {name: _accuracy(*both, seed) for name, both in judges.items()},
        "no_majority": int((~clear).sum()),
        "confusion": {name: confusion(*both).tolist() for name, both in judges.items()},
        "vector": None if vectors is None else vector_agreement(vectors, labels, seed),
    }


def _kappa(one: np.ndarray, other: np.ndarray, seed: int) -> dict[str, Any]:
    told = estimated(lambda rows: kappa(one[rows], other[rows]), len(one), seed)
    if told["value"] is not None:
        told["value"] = _sklearn_kappa(one, other)
    return told


def _sklearn_kappa(one: np.ndarray, other: np.ndarray) -> float:
    try:
        from sklearn.metrics import cohen_kappa_score
    except ImportError:
        raise ConfigError("Cohen's kappa needs scikit-learn: pip install 'emo3d_exp[build]'") from None
    return float(cohen_kappa_score(one, other))


def _accuracy(given: np.ndarray, system: np.ndarray, seed: int) -> dict[str, Any]:
    return estimated(lambda rows: float(np.mean(given[rows] == system[rows])), len(given), seed)
