"""Predictions files: the only door between a system and its score.

Four formats, chosen by the suffix: ``.npz``, ``.parquet``, ``.jsonl`` (one object a line) and ``.csv``. A
table has the columns ``sample_id``, optionally ``text_number`` (1 where it is absent) and the 52
blendshapes by name, in any order and in MediaPipe's or ARKit's spelling (``_neutral`` may be absent: 0). An
``.npz`` has the arrays ``sample_id`` (N,), optionally ``text_number`` (N,), ``blendshapes`` (N, C) and
``names`` (C,).

Faces of other programs are read too: ARKit scores as ``.json``, Live Link Face recordings as ``.csv``, and
folders of them; see :mod:`~emo3d_exp.evaluation.recordings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.formats import READERS, WRITERS, table_of
from emo3d_exp.evaluation.recordings import name_faces, read_folder
from emo3d_exp.evaluation.tables import predictions_of, refuse
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.runs import write_atomically


def save_predictions(path: Path | str, predictions: Predictions) -> Path:
    """Write a predictions file, atomically, in the format of the suffix; ``.npz`` and ``.parquet`` also
    carry the hash of the vocabulary.

    Raises:
        DataError: unknown suffix, or predictions that could not be read back (NaN, outside [0, 1], a
            doubled key).
    """
    path = Path(path)
    write = _format(path, WRITERS)
    predictions_of(table_of(predictions), f"predictions for {path}")
    with write_atomically(path) as partial:
        write(partial, predictions)
    return path


def load_predictions(path: Path | str, asked: Callable[[], Prompts] | None = None) -> Predictions:
    """Read a predictions file, or a folder of recorded faces.

    Args:
        asked: gives the prompts, in whose order faces without a ``sample_id`` are read (recordings alone may
            lack it); None: such faces are numbered from 1. Called only for such faces.

    Raises:
        DataError: the file is absent or of another kind, or names every column or every row that is
            wrong, with the reason.
    """
    path = Path(path)
    if path.is_dir():
        table = read_folder(path, lambda file: _format(file, READERS)(file))
    else:
        read = _format(path, READERS)
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        table = read(path)
    return predictions_of(name_faces(table, asked, str(path)), str(path))


@dataclass(frozen=True)
class Match:
    """Predictions brought into the order of the prompts.

    Attributes:
        predictions: one row a prompt. extra: (E, 2) int64 (sample_id, text_number) that no prompt asked for.
    """

    predictions: Predictions
    extra: np.ndarray


def match(predictions: Predictions, prompts: Prompts) -> Match:
    """Align predictions with prompts by (sample_id, text_number).

    Raises:
        DataError: a prompt has no prediction (all of them are named), or a key stands twice.
    """
    row_of: dict[tuple[int, int], int] = {}
    doubled = []
    asked = list(zip(prompts.sample_id.tolist(), prompts.text_number.tolist(), strict=True))
    for row, key in enumerate(
        zip(predictions.sample_id.tolist(), predictions.text_number.tolist(), strict=True)
    ):
        if row_of.setdefault(key, row) != row:
            doubled.append((row, f"sample_id {key[0]}, text_number {key[1]} is predicted twice"))
    refuse(doubled, "predictions")
    missing = [key for key in asked if key not in row_of]
    if missing:
        raise DataError(_missing_message(missing, len(asked), set(predictions.text_number.tolist()) == {1}))
    rows = np.array([row_of[key] for key in asked], dtype=np.int64)
    extra = sorted(row_of.keys() - set(asked))
    found = Predictions(
        predictions.sample_id[rows], predictions.text_number[rows], predictions.blendshapes[rows]
    )
    return Match(found, np.array(extra, dtype=np.int64).reshape(-1, 2))


def _missing_message(missing: list[tuple[int, int]], asked: int, only_first_texts: bool) -> str:
    keys = ", ".join(f"{sample_id}/{text_number}" for sample_id, text_number in missing[:200])
    more = f", … and {len(missing) - 200} more" if len(missing) > 200 else ""
    hint = ""
    if only_first_texts and any(number > 1 for _, number in missing):
        hint = "\n  A sample has several texts: give every one its row, told apart by text_number (1, 2, 3)."
    have = "has" if len(missing) == 1 else "have"
    return (
        f"predictions: {len(missing)} of {counted(asked, 'prompt')} {have} none; "
        f"missing (sample_id/text_number): {keys}{more}{hint}"
    )


def _format(path: Path, known: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    if path.suffix.lower() not in known:
        raise DataError(f"{path}: unknown kind of predictions file, expected one of {', '.join(known)}")
    return known[path.suffix.lower()]
