"""Typed records that travel between packages: the one place where keys, shapes and dtypes stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np

from emo3d_exp.records.corpus import BLOCK, MIRRORED, N_BLENDSHAPES, N_EMOTIONS, Corpus, ImageRef

__all__ = [
    "BLOCK",
    "MIRRORED",
    "N_BLENDSHAPES",
    "N_EMOTIONS",
    "Corpus",
    "EmbeddingBatch",
    "Exchange",
    "ImageRef",
    "Predictions",
    "Prompts",
    "StepShare",
    "TokenBatch",
]


@dataclass(frozen=True)
class Exchange:
    """Texts that are read in another form now and then.

    Attributes:
        other: (T,) int64, the row of each text's other form; -1 where it has none. Rows from T on are other
            forms themselves.
        share: probability that the other form is read, drawn anew for each pair and epoch.
    """

    other: np.ndarray
    share: float


@dataclass(frozen=True)
class Prompts:
    """The texts that a system is asked to show, with what is known about them: one row a distinct text
    of a sample.

    Attributes:
        sample_id: (N,) int64. text_number: (N,) int64, from 1. text: N strings.
        emotions: (N, 8) float32 intensities.
        blendshapes: (N, 52) float32, the face to compare with (the sample's first with scores).
        faces: (N, R, 52) float32, all true faces of the sample, rows of NaN where it has fewer than R; None
            where no sample has more than one.
    """

    sample_id: np.ndarray
    text_number: np.ndarray
    text: tuple[str, ...]
    emotions: np.ndarray
    blendshapes: np.ndarray
    faces: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class Predictions:
    """What a system answered: one blendshape vector a prompt.

    Attributes:
        sample_id: (N,) int64. text_number: (N,) int64, from 1 (1 where a sample has one text).
        blendshapes: (N, 52) float32 in [0, 1].
    """

    sample_id: np.ndarray
    text_number: np.ndarray
    blendshapes: np.ndarray

    def __len__(self) -> int:
        return len(self.sample_id)


class StepShare(NamedTuple):
    """What part of an optimizer step a batch is, where several processes or several batches make a step.

    Attributes:
        start: first of the batch's rows in the batch of all processes, which has ``batch`` rows.
        own: rows that count: all that there are, or 0 where the one row is there only to have one.
        own_pictures: those of them with a picture.
        step, step_pictures: rows of the whole step that count, and those of them with a picture.
        parts: gradients are summed over the step's batches and then divided by it.
    """

    start: int
    batch: int
    own: int
    own_pictures: int
    step: int
    step_pictures: int
    parts: int


class TokenBatch(TypedDict, total=False):
    """A training batch for a language model that is trained along; every value but ``share`` is a torch
    tensor. ``share`` is in it only where batches make a step together.

    ``tokens``: ``input_ids`` and ``attention_mask`` (1 token, 0 padding), (B, L) int64 each; ``blendshapes``:
    (B, 52) float32 in [0, 1]; ``emotions``: (B, 8) float32 intensities.
    """

    tokens: dict[str, object]
    blendshapes: object
    emotions: object
    share: StepShare


class EmbeddingBatch(TypedDict, total=False):
    """A training batch over frozen, cached embeddings; every value but ``share`` is a torch tensor.

    ``text``: (B, D) float32; ``image``: (B, D) float32, absent when the backbone sees text only;
    ``has_image``: (B,) bool, only where some faces have no image; ``blendshapes``: (B, 52) float32 in [0, 1];
    ``emotions``: (B, 8) float32 intensities; ``share`` only where batches make a step together.
    """

    text: object
    image: object
    has_image: object
    blendshapes: object
    emotions: object
    share: StepShare
