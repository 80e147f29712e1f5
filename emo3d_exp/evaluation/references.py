"""What stands beside every system: answers that cost nothing, and the answer that is right."""

from __future__ import annotations

import numpy as np

from emo3d_exp.records import N_BLENDSHAPES, Prompts

REFERENCES: tuple[str, ...] = ("ground_truth", "mean_face", "neutral", "other_sample", "text")
"""``text`` has no face: the features of the prompt itself take the place of the picture's, which shows
what the judge's text tower and the bank leave at best."""


def reference_faces(prompts: Prompts, mean_face: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """The faces of the references, each (N, 52) float32.

    ``ground_truth`` is the prompt's own face, ``mean_face`` the mean of the training faces for every
    prompt, ``neutral`` all zeros, ``other_sample`` the face of another sample: the right kind of face for
    the wrong prompt. It is absent where there is one sample only.

    Args:
        mean_face: (52,) mean of the training faces. seed: of the draw of the other samples.
    """
    if np.shape(mean_face) != (N_BLENDSHAPES,):
        raise ValueError(f"mean_face: expected ({N_BLENDSHAPES},), got {np.shape(mean_face)}")
    faces = {
        "ground_truth": prompts.blendshapes.astype(np.float32),
        "mean_face": np.tile(np.asarray(mean_face, dtype=np.float32), (len(prompts), 1)),
        "neutral": np.zeros((len(prompts), N_BLENDSHAPES), dtype=np.float32),
    }
    if len(np.unique(prompts.sample_id)) > 1:
        faces["other_sample"] = faces["ground_truth"][other_samples(prompts.sample_id, seed)]
    return faces


def other_samples(sample_id: np.ndarray, seed: int = 0) -> np.ndarray:
    """For each row a row of another sample, (N,) int64, the same for all rows of one sample.

    The samples are put into a random circle and each takes the next one's face (its first row), so that
    every sample gives and receives exactly once and none keeps its own.
    """
    samples, first, sample = np.unique(sample_id, return_index=True, return_inverse=True)
    if len(samples) < 2:
        raise ValueError("another sample's face needs at least two samples")
    circle = np.random.default_rng(seed).permutation(len(samples))
    following = np.empty_like(circle)
    following[circle] = np.roll(circle, -1)
    return first[following[sample]]
