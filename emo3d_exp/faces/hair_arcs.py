"""Lines over the scalp, from the edge of the hair to where it runs together."""

from __future__ import annotations

import numpy as np

_SOFT = np.float64([1, 4, 7, 8, 7, 4, 1]) / 32
"""Weights of neighbours where directions are evened out."""


def arcs(start: np.ndarray, end: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Great circles ``(R, K, 3)`` between unit vectors ``(K, 3)`` at ``t`` (R,)."""
    angle = np.arccos(np.clip((start * end).sum(-1), -1, 1))[None, :, None]
    t = t[:, None, None]
    sine = np.maximum(np.sin(angle), 1e-6)
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / sine


def untangled(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Starts ``(K, 3)`` of a closed ring turned about ``end``, so that their arcs to it do not cross.

    Seen from the whorl, the hairline before the ear runs backwards; a sheet over such arcs would fold.
    """
    side = np.cross([0.0, 1.0, 0.0], end)
    side /= np.linalg.norm(side)
    up = np.cross(end, side)
    bearing, far = np.unwrap(np.arctan2(start @ side, start @ up)), np.arccos(np.clip(start @ end, -1, 1))
    whole = bearing[-1] - bearing[0]
    turned = bearing * np.sign(whole)
    turned = (np.maximum.accumulate(turned) + np.minimum.accumulate(turned[::-1])[::-1]) / 2
    around = np.concatenate([turned[-4:-1] - abs(whole), turned, turned[1:4] + abs(whole)])
    bearing = np.convolve(around, _SOFT, "valid") * np.sign(whole)
    across = np.sin(bearing)[:, None] * side + np.cos(bearing)[:, None] * up
    return np.cos(far)[:, None] * end + np.sin(far)[:, None] * across
