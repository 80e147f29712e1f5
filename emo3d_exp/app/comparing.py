"""Faces of several runs beside each other, as in figure 6 of the Emo3D paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.app.assemble import embedding_cache
from emo3d_exp.app.predictor import load_predictor
from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.leaderboard import read_result, run_folder
from emo3d_exp.evaluation.predictions import load_predictions
from emo3d_exp.evaluation.report import PREDICTIONS
from emo3d_exp.records import Prompts
from emo3d_exp.runs import RunFolder, distinct_names
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    from emo3d_exp.app.data import LoadedData
    from emo3d_exp.faces import Renderer

TRUTH = "ground truth"
"""Heading of the faces that were asked for."""


def clearest(prompts: Prompts) -> np.ndarray:
    """Rows of the prompt with the largest share of each emotion, 8 at most: some may lead nowhere."""
    shares = prompts.emotions / prompts.emotions.sum(axis=1, keepdims=True)
    leading = shares.argmax(axis=1)
    rows = [np.flatnonzero(leading == emotion) for emotion in range(len(EMOTIONS))]
    return np.array([at[shares[at, emotion].argmax()] for emotion, at in enumerate(rows) if len(at)], int)


def compare_results(results: Sequence[Path], data: LoadedData, part: str, renderer: Renderer) -> np.ndarray:
    """Draw the clearest prompt of each emotion: ground truth, then what each system answered.

    Args:
        results: ``metrics.json`` of runs or of outside systems, all scored on ``part`` of ``data``.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        DataError: a system's predictions lack one of the prompts.
    """
    prompts = data.prompts(part)
    rows = clearest(prompts)
    names = headings([run_folder(file) for file in results])
    faces = {TRUTH: prompts.blendshapes[rows]}
    for name, file in zip(names, results, strict=True):
        faces[name] = _answers(file.with_name(PREDICTIONS), prompts, rows)
    return _sheet([prompts.text[row] for row in rows], faces, renderer)


def headings(folders: Sequence[Path]) -> list[str]:
    """Of the runs' columns: the shortest names by which their folders differ."""
    return distinct_names(folders, taken=[TRUTH])


def answered_alike(results: Sequence[Path]) -> list[Path]:
    """Those ``metrics.json`` that hold the same data, part and split as the first one."""
    facts = [read_result(file)["provenance"] for file in results]
    asked = [tuple(own.get(name) for name in ("data", "split", "split_hash")) for own in facts]
    return [file for file, own in zip(results, asked, strict=True) if own == asked[0]]


def answer_texts(runs: Sequence[RunFolder], texts: Sequence[str], renderer: Renderer) -> np.ndarray:
    """Draw what each run answers to any texts, which have no ground truth.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        Emo3DError: a run cannot be reloaded.
    """
    cache = embedding_cache()
    names = headings([run.path for run in runs])
    faces = {name: load_predictor(run.path, cache)(texts) for name, run in zip(names, runs, strict=True)}
    return _sheet(texts, faces, renderer)


def _sheet(texts: Sequence[str], faces: Mapping[str, np.ndarray], renderer: Renderer) -> np.ndarray:
    from emo3d_exp.faces import comparison_sheet

    return comparison_sheet(texts, {name: renderer.render(scores) for name, scores in faces.items()})


def _answers(file: Path, prompts: Prompts, rows: np.ndarray) -> np.ndarray:
    found = load_predictions(file)
    at = {key: row for row, key in enumerate(zip(found.sample_id, found.text_number, strict=True))}
    asked = [(prompts.sample_id[row], prompts.text_number[row]) for row in rows]
    if missing := [key for key in asked if key not in at]:
        sample, text = missing[0]
        raise DataError(f"{file} has no answer to text {text} of sample {sample}; score the run again")
    return found.blendshapes[[at[key] for key in asked]]
