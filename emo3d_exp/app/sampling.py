"""Several faces for each text: how much they differ, and what they are worth."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from omegaconf import DictConfig

from emo3d_exp.app.assemble import embedding_cache
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.app.predictor import load_predictor
from emo3d_exp.app.scoring import build_evaluator, check_same_data
from emo3d_exp.metrics import best_of, diversity, energy_score
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.runs import write_json

if TYPE_CHECKING:
    from emo3d_exp.runs import RunFolder

log = logging.getLogger(__name__)

FILE = "samples.json"

LABELS = {"samples": "its samples", "answer": "its answer alone", "like_emotions": "training faces"}


def score_samples(run: RunFolder, cfg: DictConfig, part: str, count: int) -> Path:
    """Draw ``count`` faces for each prompt of a part, and write ``samples.json`` beside the metrics.

    It holds ``samples``, ``answer`` (the one face, as if drawn every time) and ``like_emotions`` (training
    faces of the samples whose emotions are nearest), each with the means over prompts of ``diversity``,
    ``energy_score``, ``best_of_mse``, ``mse``, and ``emo3d`` where faces are judged.

    Raises:
        ConfigError: the run's model gives one face only, or ``count`` is below 2.
    """
    data = load_data(cfg)
    check_same_data(run, data)
    prompts = data.prompts(part)
    predict = load_predictor(run.path, embedding_cache())
    answer = predict(prompts.text)
    sets = {
        "samples": predict.samples(prompts.text, count),
        "answer": np.repeat(answer[None], count, axis=0),
        "like_emotions": faces_of_like_emotions(data, prompts, count),
    }
    figures = {name: summary(faces, prompts.blendshapes) for name, faces in sets.items()}
    for name, value in judged(cfg, data, part, sets).items():
        figures[name]["emo3d"] = value
    file = run.evaluation(part) / FILE
    write_json(file, {"schema": 1, "model": str(cfg.model.name), "count": count, "part": part, **figures})
    show(figures, count)
    log.info("wrote %s", file)
    return file


def summary(samples: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Means over prompts for (S, N, 52) faces against (N, 52) true ones."""
    return {
        "diversity": float(diversity(samples).mean()),
        "energy_score": float(energy_score(samples, target).mean()),
        "best_of_mse": float(best_of(samples, target).mean()),
        "mse": float(np.square(samples.astype(np.float64) - target).mean()),
    }


def faces_of_like_emotions(data: LoadedData, prompts: Prompts, count: int) -> np.ndarray:
    """(count, N, 52) training faces whose emotion vectors are nearest to the prompts': how much faces of the
    same emotions differ in the data."""
    from scipy.spatial import cKDTree

    train = data.corpus.select(data.rows("train"))
    faces = np.flatnonzero(train.has_blendshapes)
    emotions = train.emotions[train.face_sample[faces]].astype(np.float64)
    ranks = np.arange(1, min(count, len(faces)) + 1)
    _, nearest = cKDTree(emotions).query(prompts.emotions.astype(np.float64), k=ranks)
    return train.blendshapes[faces[nearest]].transpose(1, 0, 2)


def judged(cfg: DictConfig, data: LoadedData, part: str, sets: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean Emo3D of each set; nothing where the metric has no judge."""
    evaluator = build_evaluator(cfg)
    if evaluator.judge is None:
        return {}
    prompts, bank = data.prompts(part), evaluator.select_bank(data.prompts(evaluator.bank.split))

    def emo3d(faces: np.ndarray) -> float:
        predictions = Predictions(prompts.sample_id, prompts.text_number, faces)
        return evaluator.evaluate(predictions, prompts, bank, data.mean_face()).metrics["emo3d"]

    found = {}
    for name, samples in sets.items():
        distinct = samples[:1] if (samples == samples[:1]).all() else samples
        found[name] = float(np.mean([emo3d(faces) for faces in distinct]))
    return found


def show(figures: dict[str, dict[str, float]], count: int) -> None:
    """Print the figures as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    caption = (
        "diversity: mean distance between two faces of a text; energy score, best of the faces and mean "
        "squared error against the true face, lower is better; training faces: those of the samples whose "
        "emotions are nearest"
    )
    layout = {"box": SIMPLE_HEAD, "caption_justify": "left"}
    table = Table("", title=f"{count} faces for each text", caption=caption, **layout)
    names = {
        "diversity": "diversity",
        "energy_score": "energy score ↓",
        "best_of_mse": f"best of {count} ↓",
        "mse": "MSE ↓",
        "emo3d": "Emo3D ↓",
    }
    keys = [key for key in names if all(key in row for row in figures.values())]
    for key in keys:
        table.add_column(names[key], justify="right")
    for name, row in figures.items():
        table.add_row(LABELS[name], *(f"{row[key]:.4f}" for key in keys))
    Console().print(table)
