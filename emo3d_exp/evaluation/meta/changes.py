"""Known changes of faces: some keep the emotion, some change it, some do so by degrees.

All functions take (N, 52) blendshapes in [0, 1] and give new (N, 52) float32 ones in [0, 1], row by row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.looks import CAMERA, LIGHT
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MIRROR_PERMUTATION, REGIONS, dominant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emo3d_exp.faces import Look

NEUTRAL = BLENDSHAPE_INDEX["_neutral"]


@dataclass(frozen=True)
class Donors:
    """For every face one of another emotion.

    Attributes:
        row: (N,) int64, the face. emotion: (N,) int64, its dominant emotion.
    """

    row: np.ndarray
    emotion: np.ndarray


def mirrored(faces: np.ndarray) -> np.ndarray:
    """Left and right exchanged."""
    return _clean(np.asarray(faces)[:, MIRROR_PERMUTATION])


def scaled(faces: np.ndarray, factor: float) -> np.ndarray:
    """The same expression weaker (factor below 1) or stronger, clipped to [0, 1]."""
    return _clean(np.asarray(faces, dtype=np.float64) * factor)


def redrawn(emotions: np.ndarray, variation: float, rng: np.random.Generator) -> np.ndarray:
    """Another face for the same (N, 8) emotion intensities, by the prior that ``data=mini`` is drawn from."""
    from emo3d_exp.faces import FACSPrior

    return _clean(FACSPrior(variation).sample(emotions, rng))


def with_region(faces: np.ndarray, others: np.ndarray, region: str) -> np.ndarray:
    """The blendshapes of one of ``REGIONS`` taken from the other face (same row), all else kept."""
    mixed = np.array(faces, dtype=np.float64)
    rows = list(REGIONS[region])
    mixed[:, rows] = np.asarray(others)[:, rows]
    return _clean(mixed)


def with_shapes(faces: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` single blendshapes that differ most taken from the other face (same row).

    Of equal differences the one that stands first in ``BLENDSHAPES`` is taken. A left and a right shape count
    as two.
    """
    mixed, others = np.array(faces, dtype=np.float64), np.asarray(others, dtype=np.float64)
    most = np.argsort(-np.abs(others - mixed), axis=1, kind="stable")[:, :count]
    np.put_along_axis(mixed, most, np.take_along_axis(others, most, axis=1), axis=1)
    return _clean(mixed)


def interpolated(faces: np.ndarray, others: np.ndarray, amount: float) -> np.ndarray:
    """``(1 - amount) · face + amount · other``, for an amount in [0, 1]."""
    faces, others = np.asarray(faces, dtype=np.float64), np.asarray(others, dtype=np.float64)
    return _clean((1 - amount) * faces + amount * others)


def noisy(faces: np.ndarray, sd: float, directions: np.ndarray) -> np.ndarray:
    """Noise of standard deviation ``sd`` on the 51 moving blendshapes, clipped to [0, 1].

    Args:
        directions: (N, 52) standard normal numbers; the same for every ``sd``, so that steps differ by their
            size alone.
    """
    return _clean(np.asarray(faces, dtype=np.float64) + sd * np.asarray(directions))


def donors(emotions: np.ndarray, rng: np.random.Generator) -> Donors:
    """For every row another one with another dominant emotion: the emotion is drawn first, evenly among those
    that there are, so that frequent ones do not prevail, then one of its rows.

    Raises:
        DataError: all rows have the same dominant emotion.
    """
    own = dominant(emotions)
    there = np.unique(own)
    if len(there) < 2:
        raise DataError("meta: all prompts have the same dominant emotion; give more, meta.prompts=…")
    emotion = np.array([rng.choice(there[there != label]) for label in own], dtype=np.int64)
    row = np.array([rng.choice(np.flatnonzero(own == label)) for label in emotion], dtype=np.int64)
    return Donors(row, emotion)


def emotion_means(faces: np.ndarray, emotions: np.ndarray) -> np.ndarray:
    """(8, 52) mean faces of the dominant emotions; a row of NaN for an emotion that none has."""
    own = dominant(emotions)
    rows = [np.asarray(faces)[own == label] for label in range(np.shape(emotions)[1])]
    return np.stack(
        [each.mean(axis=0) if len(each) else np.full(np.shape(faces)[1], np.nan) for each in rows]
    )


def as_person(looks: Sequence[Look], person: Look) -> list[Look]:
    """The looks with their own cameras and lights, but of one and the same other person."""
    kept = (*CAMERA, *LIGHT)
    who = {f.name: getattr(person, f.name) for f in fields(person) if f.name not in kept}
    return [replace(look, **who) for look in looks]


def _clean(faces: np.ndarray) -> np.ndarray:
    faces = np.clip(faces, 0, 1).astype(np.float32)
    faces[:, NEUTRAL] = 0
    return faces
