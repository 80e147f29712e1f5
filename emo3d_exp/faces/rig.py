"""A face that moves: vertices and 51 linear blendshapes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.faces.yielding import yielded
from emo3d_exp.vocab import BLENDSHAPES, MORPH_TARGETS

PARTS: tuple[str, ...] = (
    "skin",
    "mouth_bag",
    "teeth",
    "tongue",
    "eye_left",
    "eye_right",
    "catchlight",
    "ear",
)
"""What a vertex belongs to; ``Rig.part`` holds indices into this tuple."""


class Rig:
    """Linear blendshape rig: ``posed = neutral + sum_k weight_k * deltas_k``.

    The one exception: some shapes yield to others first, see :meth:`weights`.

    Not a dataclass, because Hydra's ``instantiate`` would turn one into a config on its way to the
    renderer.

    Attributes:
        name: where it came from, for messages and reports.
        neutral: ``(V, 3)`` float32 vertices of the face at rest, y up, +z out of the face, +x the
            subject's left; any unit.
        faces: ``(T, 3)`` int32, counter-clockwise seen from outside.
        colors: ``(V, 3)`` float32, linear RGB in [0, 1].
        deltas: ``(51, V, 3)`` float32 in the order of :data:`~emo3d_exp.vocab.MORPH_TARGETS`.
        missing: names of the 51 without geometry; their weights move nothing.
        part: ``(V,)`` uint8 into :data:`PARTS`; all 0 where the file does not say.
        masks: named ``(V,)`` float32 arrays in [0, 1] that looks and wrinkles paint with; empty for
            rigs that were not made here.

    Raises:
        DataError: arrays disagree in shape, hold non-finite numbers or point outside the mesh.
    """

    def __init__(
        self,
        name: str,
        neutral: np.ndarray,
        faces: np.ndarray,
        colors: np.ndarray,
        deltas: np.ndarray,
        missing: Sequence[str] = (),
        part: np.ndarray | None = None,
        masks: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.name = name
        self.neutral = np.ascontiguousarray(neutral, np.float32)
        self.faces = np.ascontiguousarray(faces, np.int32)
        self.colors = np.ascontiguousarray(colors, np.float32)
        self.deltas = np.ascontiguousarray(deltas, np.float32)
        self.missing = tuple(missing)
        self.part = np.zeros(len(neutral), np.uint8) if part is None else np.asarray(part, np.uint8)
        self.masks = {key: np.asarray(mask, np.float32) for key, mask in (masks or {}).items()}
        _check(self)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of everything that shows: geometry, colours, motion, masks."""
        digest = hashlib.sha256("\n".join(BLENDSHAPES).encode())
        for array in (self.neutral, self.faces, self.colors, self.deltas, self.part):
            digest.update(np.ascontiguousarray(array).tobytes())
        for mask in sorted(self.masks):
            digest.update(mask.encode())
            digest.update(np.ascontiguousarray(self.masks[mask]).tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def eyes(self) -> tuple[Eye, ...]:
        """The eyeballs, left and then right; empty where ``part`` names none."""
        found = []
        for side in ("left", "right"):
            ball = self.neutral[self.part == PARTS.index(f"eye_{side}")]
            if len(ball) >= 4:
                found.append(_fit_sphere(side, ball))
        return tuple(found)

    def weights(self, blendshapes: Any) -> Any:
        """Weights of the 51 deltas, ``(B, 51)``: ``_neutral`` dropped, some shapes yielding to others.

        See :data:`emo3d_exp.faces.yielding.YIELDING`: a wide eye to its blink, for one.

        Args:
            blendshapes: ``(B, 52)`` NumPy array or torch tensor; values outside [0, 1] extrapolate.
        """
        if not hasattr(blendshapes, "clone"):
            blendshapes = np.asarray(blendshapes, np.float32)
        if blendshapes.ndim != 2 or blendshapes.shape[1] != len(BLENDSHAPES):
            raise ValueError(f"expected (B, {len(BLENDSHAPES)}) blendshapes, got {tuple(blendshapes.shape)}")
        return yielded(blendshapes[:, 1:])

    def vertices(self, blendshapes: Any) -> Any:
        """Vertices of posed faces, by one matrix product.

        Args:
            blendshapes: ``(B, 52)`` NumPy array or torch tensor (through which gradients flow).

        Returns:
            ``(B, V, 3)`` float32 array, or tensor of the argument's type and device.
        """
        weights = self.weights(blendshapes)
        deltas, neutral = self.deltas.reshape(len(MORPH_TARGETS), -1), self.neutral
        if not isinstance(weights, np.ndarray):
            deltas, neutral = weights.new_tensor(deltas), weights.new_tensor(neutral)
        return neutral + (weights @ deltas).reshape(len(weights), *neutral.shape)


@dataclass(frozen=True)
class Eye:
    """An eyeball: the subject's ``side`` ("left", "right"), ``center`` (x, y, z), ``radius`` (rig's unit)."""

    side: str
    center: tuple[float, float, float]
    radius: float


def _fit_sphere(side: str, points: np.ndarray) -> Eye:
    """Least squares: ``|p|^2 = 2 p.c + (r^2 - |c|^2)``."""
    points = points.astype(np.float64)
    system = np.c_[2 * points, np.ones(len(points))]
    *center, rest = np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0]
    radius = np.sqrt(max(rest + float(np.dot(center, center)), 0.0))
    return Eye(side, tuple(float(c) for c in center), float(radius))


def _check(rig: Rig) -> None:
    count = len(rig.neutral)
    shapes = {
        "neutral": (count, 3),
        "faces": (len(rig.faces), 3),
        "colors": (count, 3),
        "deltas": (len(MORPH_TARGETS), count, 3),
        "part": (count,),
    }
    for key, shape in shapes.items():
        array = getattr(rig, key)
        if array.shape != shape:
            raise DataError(f"rig '{rig.name}': {key} has shape {array.shape}, expected {shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"rig '{rig.name}': {key} holds numbers that are not finite")
    if count == 0 or len(rig.faces) == 0:
        raise DataError(f"rig '{rig.name}' has no triangles")
    if rig.faces.min() < 0 or rig.faces.max() >= count:
        raise DataError(f"rig '{rig.name}': a triangle points outside the {count} vertices")
    if rig.part.max() >= len(PARTS):
        raise DataError(f"rig '{rig.name}': part {rig.part.max()} is not one of the {len(PARTS)} parts")
    for mask, values in rig.masks.items():
        if values.shape != (count,) or not np.isfinite(values).all():
            raise DataError(f"rig '{rig.name}': mask '{mask}' must be {count} finite numbers")
    if unknown := set(rig.missing) - set(MORPH_TARGETS):
        raise DataError(f"rig '{rig.name}': missing names outside the vocabulary: {sorted(unknown)}")
