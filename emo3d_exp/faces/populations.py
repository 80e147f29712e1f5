"""Faces to measure a rig with: expressions and looks at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emo3d_exp.faces.facs import FACSPrior
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.people import random_look
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, EMOTIONS, MORPH_TARGETS

TOGETHER = 0.8
"""Chance that the other side moves along."""

WEIGHTS = (0.3, 1.0)
VARIED = ("skin", "lip", "hair", "brow", "iris", "light", "background", "fov", "framing")
"""What differs between looks of one head."""

POSE_SD = {"yaw": 5.0, "pitch": 3.0, "roll": 2.0}


def other_side(shape: str) -> str | None:
    """The shape that a symmetric face moves along with ``shape``, or None.

    Eyes turn together, so ``eyeLookInLeft`` goes with ``eyeLookOutRight``. The left and right of jaw and
    mouth are directions and exclude each other.
    """
    stem = shape.removesuffix("Left").removesuffix("Right")
    if stem == shape or stem in ("jaw", "mouth"):
        return None
    mirrored = {"eyeLookIn": "eyeLookOut", "eyeLookOut": "eyeLookIn"}.get(stem, stem)
    return mirrored + ("Right" if shape.endswith("Left") else "Left")


PARTNER: dict[str, str] = {shape: other for shape in MORPH_TARGETS if (other := other_side(shape))}


def random_faces(count: int, rng: np.random.Generator) -> np.ndarray:
    """Faces of 2–6 active shapes, drawn uniformly from the 51.

    The other side moves along with probability 0.8, to the same weight; weights are uniform in
    [0.3, 1]. ``mouthClose`` brings a ``jawOpen`` at least as strong, without which it has no meaning.

    Returns:
        ``(count, 52)`` float32 in [0, 1], ``_neutral`` 0.
    """
    return np.stack([_random_face(rng) for _ in range(count)]) if count else np.zeros((0, 52), np.float32)


def _random_face(rng: np.random.Generator) -> np.ndarray:
    face = np.zeros(len(BLENDSHAPES), np.float32)
    wanted = rng.integers(2, 6)
    for index in rng.permutation(len(MORPH_TARGETS)):
        if np.count_nonzero(face) >= wanted:
            break
        shape = MORPH_TARGETS[index]
        if face[BLENDSHAPE_INDEX[shape]]:
            continue
        weight = rng.uniform(*WEIGHTS)
        face[BLENDSHAPE_INDEX[shape]] = weight
        if shape in PARTNER and rng.random() < TOGETHER:
            face[BLENDSHAPE_INDEX[PARTNER[shape]]] = weight
        if shape == "mouthClose":
            jaw = BLENDSHAPE_INDEX["jawOpen"]
            face[jaw] = max(face[jaw], rng.uniform(weight, 1))
    return face


def random_emotions(count: int, rng: np.random.Generator) -> np.ndarray:
    """``(count, 8)`` intensities: one emotion, all equally often, of 0.4–1, and to one face in three a
    second one of at most half as much."""
    vectors = np.zeros((count, len(EMOTIONS)))
    for vector in vectors:
        first, second = rng.choice(len(EMOTIONS), 2, replace=False)
        vector[first] = rng.uniform(0.4, 1)
        if rng.random() < 1 / 3:
            vector[second] = vector[first] * rng.uniform(0, 0.5)
    return vectors


def prior_faces(
    count: int, rng: np.random.Generator, variation: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of :class:`FACSPrior` on :func:`random_emotions`: blendshapes ``(count, 52)``, emotions
    ``(count, 8)``."""
    emotions = random_emotions(count, rng)
    return FACSPrior(variation).sample(emotions, rng), emotions


def camera_looks(count: int, rng: np.random.Generator, people: bool) -> list[Look]:
    """Looks nearly from the front: yaw sd 5°, pitch 3°, roll 2°; light, background and colours vary.

    Args:
        people: also vary proportions, age and hair style; otherwise all have the head as modelled.
    """
    looks = []
    for _ in range(count):
        look = random_look(rng)
        if not people:
            look = Look(**{key: getattr(look, key) for key in VARIED})
        pose = {axis: float(rng.normal(0, sd)) for axis, sd in POSE_SD.items()}
        looks.append(replace(look, **pose))
    return looks
