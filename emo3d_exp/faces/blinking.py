"""What a closing eye overrides: shapes that would pull a shut lid open again."""

from __future__ import annotations

from typing import Any

from emo3d_exp.vocab import MORPH_TARGETS

YIELDING: dict[str, int] = {
    "eyeWide": 1,
    "eyeSquint": 4,
    "eyeLookDown": 4,
    "eyeLookIn": 4,
    "eyeLookOut": 4,
    "eyeLookUp": 4,
}
"""Shape of an eye → power ``p``: its weight is multiplied by ``1 - blink ** p`` of the same eye.

Linear blendshapes add up, so a wide eye would reopen a blink. Opening wide yields from the start;
gaze, which has to stay readable under half-closed lids, only near the end.
"""

_BLINK = {side: MORPH_TARGETS.index(f"eyeBlink{side}") for side in ("Left", "Right")}
_RULES = [
    (MORPH_TARGETS.index(shape + side), _BLINK[side], power)
    for shape, power in YIELDING.items()
    for side in _BLINK
]


def yield_to_blink(weights: Any) -> Any:
    """Weights ``(B, 51)`` with the shapes of each eye damped by its blink; NumPy array or torch tensor.

    The argument is left as it is. Where no eye blinks the result equals it.
    """
    result = weights.clone() if hasattr(weights, "clone") else weights.copy()
    shut = {column: weights[:, column].clip(0, 1) for column in _BLINK.values()}
    for column, blink, power in _RULES:
        result[:, column] = weights[:, column] * (1 - shut[blink] ** power)
    return result
