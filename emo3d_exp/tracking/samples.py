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

    def spread(self, limit: int) -> SampleFaces:
        """At most ``limit`` rows, evenly spaced from the first to the last, in their order."""
        if len(self) <= limit:
            return self
        rows = np.unique(np.linspace(0, len(self) - 1, limit).round().astype(np.int64))
        values: dict[str, Any] = {
            field.name: tuple(self.text[row] for row in rows)
            if field.name == "text"
            else np.asarray(getattr(self, field.name))[rows]
            for field in fields(self)
        }
        return SampleFaces(**values)


def name_emotions(intensities: np.ndarray) -> str:
    """(8,) intensities as readers see them: ``"sadness 0.80, anger 0.30"``, strongest first, zeros left out."""
    order = np.argsort(-np.asarray(intensities), kind="stable")
    named = [f"{EMOTIONS[i]} {intensities[i]:.2f}" for i in order if intensities[i] > 0]
    return ", ".join(named)
