"""Blendshape vectors as tables print them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emo3d_exp.records import N_BLENDSHAPES

TOLERANCE = 1e-3
"""How far outside [0, 1] a number may lie, as printing rounds; it is clipped."""

_SPACES = str.maketrans("[](),;\n\r\t", "         ")


def is_missing(cell: object) -> bool:
    """None, NaN, or a text that stands for nothing."""
    if cell is None:
        return True
    if isinstance(cell, str):
        return cell.strip().lower() in ("", "nan", "none", "null", "<na>")
    return not isinstance(cell, Sequence | np.ndarray) and cell != cell


def parse_blendshapes(cell: object, dtype: type = np.float32) -> np.ndarray:
    """52 scores from a printed numpy array (``"[0.    0.271 …\\n …]"``), a list, or an array.

    Args:
        dtype: float64 keeps every digit that was printed.

    Returns:
        (52,) of that type, in [0, 1].

    Raises:
        ValueError: with the reason, where the cell holds anything else.
    """
    if isinstance(cell, str):
        values = _from_text(cell, dtype)
    elif isinstance(cell, Sequence | np.ndarray):
        values = np.asarray(cell, dtype=dtype).reshape(-1)
    else:
        raise ValueError(f"expected {N_BLENDSHAPES} numbers, got {cell!r}")
    if len(values) != N_BLENDSHAPES:
        raise ValueError(f"expected {N_BLENDSHAPES} numbers, got {len(values)}")
    low, high = values.min(), values.max()
    if low >= 0 and high <= 1:
        return values
    if not np.isfinite(values).all():
        raise ValueError("holds a number that is not finite")
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ValueError(f"scores must lie in [0, 1], these go from {low:g} to {high:g}")
    return values.clip(0, 1)


def _from_text(cell: str, dtype: type) -> np.ndarray:
    words = cell.translate(_SPACES).split()
    try:
        return np.array(list(map(float, words)), dtype=dtype)
    except ValueError:
        if "..." in words:
            raise ValueError("the numbers were cut short by '...' when they were printed") from None
        wrong = next(word for word in words if not _is_number(word))
        raise ValueError(f"{wrong!r} is not a number") from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
