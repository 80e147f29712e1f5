"""What a face tracker reads back from rendered faces."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emo3d_exp.faces.landmarker import BlendshapeReader
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.renderer import Renderer
from emo3d_exp.faces.rig import Rig
from emo3d_exp.vocab import BLENDSHAPES

NEVER_READ: tuple[str, ...] = (
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "jawForward",
)
"""Scores that stay near 0 on any face, people's included (MediaPipe issues 4436 and 4450)."""


@dataclass(frozen=True)
class Readback:
    """Faces and what the tracker made of them.

    Attributes:
        truth: ``(N, 52)`` weights that were rendered.
        scores: ``(N, 52)`` of the tracker; NaN rows where it found no face.
        rest: ``(N, 52)`` scores of the same person, light and camera with the face at rest; NaN alike.
    """

    truth: np.ndarray
    scores: np.ndarray
    rest: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """``(N,)`` bool: the face itself was found."""
        return np.isfinite(self.scores).all(axis=1)

    def correlations(self, minus_rest: bool = False) -> np.ndarray:
        """Pearson's r of each blendshape's weight with its own score, ``(52,)``.

        Over the faces that were found; 0 where either never varies.

        Args:
            minus_rest: subtract the scores of the face at rest, and use the faces where it was found.
        """
        scores = self.scores - self.rest if minus_rest else self.scores
        known = np.isfinite(scores).all(axis=1)
        return column_correlations(self.truth[known], scores[known])


def column_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's r between the columns of ``(N, K)`` arrays, ``(K,)``; 0 where one is constant."""
    a, b = (x - x.mean(axis=0) if len(x) else x for x in (a.astype(np.float64), b.astype(np.float64)))
    spread = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.divide((a * b).sum(axis=0), spread, out=np.zeros(a.shape[1]), where=spread > 1e-9)


def read_back(
    rig: Rig,
    faces: np.ndarray,
    looks: list[Look],
    model: str | Path,
    size: int = 256,
    workers: int = 1,
    at_rest: bool = True,
) -> Readback:
    """Render faces, and each look at rest, and let the tracker read them.

    Args:
        faces: ``(N, 52)`` in [0, 1].
        looks: N looks.
        model: path of MediaPipe's ``face_landmarker.task``.
        size: pixels per side.
        workers: processes; the answer does not depend on it.
        at_rest: False leaves out the faces at rest, half of the work: ``Readback.rest`` is NaN.
    """
    if len(faces) != len(looks):
        raise ValueError(f"{len(faces)} faces but {len(looks)} looks")
    if workers <= 1:
        parts = [_read_part(rig, faces, looks, str(model), size, at_rest)]
    else:
        rows = np.array_split(np.arange(len(faces)), workers)
        tasks = [(rig, faces[r], [looks[i] for i in r], str(model), size, at_rest) for r in rows]
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            parts = list(pool.map(_read_part, *zip(*tasks, strict=True)))
    scores, rest = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Readback(np.asarray(faces, np.float32), scores, rest)


def _read_part(
    rig: Rig, faces: np.ndarray, looks: list[Look], model: str, size: int, at_rest: bool
) -> tuple[np.ndarray, np.ndarray]:
    renderer = Renderer(rig, size)
    scores, rest = np.full((2, len(faces), len(BLENDSHAPES)), np.nan, np.float32)
    still = np.zeros(len(BLENDSHAPES), np.float32)
    with BlendshapeReader(model) as reader:
        for number, (face, look) in enumerate(zip(faces, looks, strict=True)):
            for rows, weights in ((scores, face), (rest, still))[: 1 + at_rest]:
                read = reader.read(renderer.render(weights, look)[0])
                if read is not None:
                    rows[number] = read
    return scores, rest


def emotion_accuracy(features: np.ndarray, labels: np.ndarray, folds: int = 5) -> float:
    """How often a logistic regression names the class, over stratified folds.

    Args:
        features: ``(N, K)``; standardised on the training part of each fold.
        labels: ``(N,)`` int classes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
    split = StratifiedKFold(folds, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels, cv=split).mean())
