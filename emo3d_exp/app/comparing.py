"""Faces of several runs beside each other, as in figure 6 of the Emo3D paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.app.assemble import embedding_cache
from emo3d_exp.app.data import load_data
from emo3d_exp.app.predictor import load_predictor
from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.predictions import load_predictions
from emo3d_exp.evaluation.report import PREDICTIONS
from emo3d_exp.records import Prompts
from emo3d_exp.runs import RunFolder, distinct_names
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    from emo3d_exp.faces import Renderer

TRUTH = "ground truth"
"""Heading of the faces that were asked for."""


def clearest(prompts: Prompts) -> np.ndarray:
    """Rows of the prompt with the largest share of each emotion, 8 at most: some may lead nowhere."""
    shares = prompts.emotions / prompts.emotions.sum(axis=1, keepdims=True)
    leading = shares.argmax(axis=1)
    rows = [np.flatnonzero(leading == emotion) for emotion in range(len(EMOTIONS))]
    return np.array([at[shares[at, emotion].argmax()] for emotion, at in enumerate(rows) if len(at)], int)


def compare_runs(runs: Sequence[RunFolder], part: str, renderer: Renderer) -> tuple[np.ndarray, int]:
    """Draw the clearest prompt of each emotion: ground truth, then what each run answered.

    Args:
        runs: scored on ``part`` of the same data; the first one's data are loaded. Others are left out.

    Returns:
        (height, width, 3) uint8 RGB, and how many runs are shown.

    Raises:
        DataError: a run's predictions lack one of the prompts.
    """
    prompts = load_data(runs[0].config()).prompts(part)
    rows = clearest(prompts)
    alike = [run for run in runs if _split(run) == _split(runs[0])]
    answers = [_answers(run, part, prompts, rows) for run in alike]
    headings = distinct_names([run.path for run in alike], taken=[TRUTH])
    faces = {TRUTH: prompts.blendshapes[rows], **dict(zip(headings, answers, strict=True))}
    return _sheet([prompts.text[row] for row in rows], faces, renderer), len(alike)


def answer_texts(runs: Sequence[RunFolder], texts: Sequence[str], renderer: Renderer) -> np.ndarray:
    """Draw what each run answers to any texts, which have no ground truth.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        Emo3DError: a run cannot be reloaded.
    """
    cache = embedding_cache()
    headings = distinct_names([run.path for run in runs])
    faces = {name: load_predictor(run.path, cache)(texts) for name, run in zip(headings, runs, strict=True)}
    return _sheet(texts, faces, renderer)


def _sheet(texts: Sequence[str], faces: Mapping[str, np.ndarray], renderer: Renderer) -> np.ndarray:
    from emo3d_exp.faces import comparison_sheet

    return comparison_sheet(texts, {name: renderer.render(scores) for name, scores in faces.items()})


def _split(run: RunFolder) -> tuple[object, object]:
    facts = run.provenance()
    return facts.get("data_hash"), facts.get("split_hash")


def _answers(run: RunFolder, part: str, prompts: Prompts, rows: np.ndarray) -> np.ndarray:
    file = run.evaluation(part) / PREDICTIONS
    found = load_predictions(file)
    at = {key: row for row, key in enumerate(zip(found.sample_id, found.text_number, strict=True))}
    asked = [(prompts.sample_id[row], prompts.text_number[row]) for row in rows]
    if missing := [key for key in asked if key not in at]:
        sample, text = missing[0]
        raise DataError(f"{file} has no answer to text {text} of sample {sample}; score the run again")
    return found.blendshapes[[at[key] for key in asked]]
