"""What a stronger shape overrides: linear blendshapes add up, flesh does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.vocab import MORPH_TARGETS

YIELDING: dict[str, tuple[str, int]] = {
    "eyeWide": ("eyeBlink", 1),
    "eyeSquint": ("eyeBlink", 4),
    "eyeLookDown": ("eyeBlink", 4),
    "eyeLookIn": ("eyeBlink", 4),
    "eyeLookOut": ("eyeBlink", 4),
    "eyeLookUp": ("eyeBlink", 4),
    "mouthRollLower": ("mouthClose", 1),
    "mouthRollUpper": ("mouthClose", 1),
}
"""Shape → (the shape that overrides it, power ``p``): its weight is multiplied by ``1 - other ** p``.

A wide eye would reopen a blink: opening wide yields from the start, gaze, which has to stay readable
under half-closed lids, only near the end. Lips that are held together over an open jaw (mouthClose) would
be pushed through each other by rolling in. Shapes of an eye look at the same eye.
"""


def _rules() -> list[tuple[int, int, int]]:
    """Columns of the shape and of what overrides it, and the power."""
    rules = []
    for shape, (other, power) in YIELDING.items():
        for side in ("Left", "Right") if shape + "Left" in MORPH_TARGETS else ("",):
            rules.append((MORPH_TARGETS.index(shape + side), MORPH_TARGETS.index(other + side), power))
    return rules


_RULES = _rules()
OVERRIDING = np.unique([other for _, other, _ in _RULES])
"""Columns of what overrides."""


def yielded(weights: Any) -> Any:
    """Weights ``(B, 51)`` with shapes damped by what overrides them; NumPy array or torch tensor.

    The argument is left as it is. Where nothing is overridden the result equals it.
    """
    result = weights.clone() if hasattr(weights, "clone") else weights.copy()
    for column, other, power in _RULES:
        result[:, column] = weights[:, column] * (1 - weights[:, other].clip(0, 1) ** power)
    return result
