"""Prompts with their true and predicted faces, as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from emo3d_exp.vocab import EMOTIONS


@dataclass(frozen=True)
class SampleFaces:
    """N prompts, what they ask for and what was answered; the rows of all fields belong together.

    Attributes:
        sample_id: (N,) int. text: N strings. emotions: (N, 8) intensities in [0, 1].
        mse: (N,) mean squared blendshape error. emo3d: (N,) Emo3D score in [0.5, 1).
        truth, prediction: (N, H, W, 3) uint8 RGB renders of the true and the predicted face.
    """

    sample_id: np.ndarray
    text: tuple[str, ...]
    emotions: np.ndarray
    mse: np.ndarray
    emo3d: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"SampleFaces: fields differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.text)

    def select(self, rows: np.ndarray) -> SampleFaces:
        """The given rows, in the given order."""
        values: dict[str, Any] = {
            field.name: np.asarray(getattr(self, field.name))[rows]
            for field in fields(self)
            if field.name != "text"
        }
        return SampleFaces(text=tuple(self.text[row] for row in rows), **values)


def spread(count: int, limit: int) -> np.ndarray:
    """At most ``limit`` of the rows 0 … count-1, evenly spaced from the first to the last: int64."""
    if count <= limit:
        return np.arange(count, dtype=np.int64)
    return np.linspace(0, count - 1, limit).round().astype(np.int64)


def name_emotions(intensities: np.ndarray) -> str:
    """(8,) intensities as words, strongest first, without zeros: ``"sadness 0.80, anger 0.30"``."""
    order = np.argsort(-np.asarray(intensities), kind="stable")
    named = [f"{EMOTIONS[i]} {intensities[i]:.2f}" for i in order if intensities[i] > 0]
    return ", ".join(named)
