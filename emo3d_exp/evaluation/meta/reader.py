"""A witness that is not the judge: reads the emotion from the numbers of a face, never from its picture."""

from __future__ import annotations

import numpy as np

from emo3d_exp.vocab import EMOTIONS, dominant


class EmotionReader:
    """Ridge regression from 52 blendshapes to one-hot dominant emotions, in closed form.

    It says whether a change of numbers made another emotion of a face, so that the metric is not blamed for
    overlooking changes that change nothing, such as the resting brows of one emotion in place of another's.

    Args:
        faces: (N, 52) in [0, 1]. emotions: (N, 8) intensities. ridge: strength of the penalty.
    """

    def __init__(self, faces: np.ndarray, emotions: np.ndarray, ridge: float = 1.0) -> None:
        faces = np.asarray(faces, dtype=np.float64)
        wanted = np.eye(len(EMOTIONS))[dominant(emotions)]
        self._mean, self._level = faces.mean(axis=0), wanted.mean(axis=0)
        centred = faces - self._mean
        penalty = ridge * np.eye(faces.shape[1])
        self._weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (wanted - self._level))

    def scores(self, faces: np.ndarray) -> np.ndarray:
        """(N, 8), largest where the emotion is most likely; no probabilities."""
        return (np.asarray(faces, dtype=np.float64) - self._mean) @ self._weights + self._level

    def read(self, faces: np.ndarray) -> np.ndarray:
        """(N,) int64 dominant emotions."""
        return self.scores(faces).argmax(axis=1)
