"""Texts in another form now and then, for whatever batches are made of."""

from __future__ import annotations

import numpy as np

from emo3d_exp.records import Exchange


def with_others(pairs: np.ndarray, exchange: Exchange | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Pairs, followed by those of the other forms of their texts with the same faces.

    Args:
        pairs: (P, 2) rows of text and face.

    Returns:
        (P + V, 2) pairs, and (P,) the row of each pair's other form, -1 where it has none; None without an
        exchange.
    """
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if exchange is None:
        return pairs, None
    text = exchange.other[pairs[:, 0]]
    has = np.flatnonzero(text >= 0)
    other = np.full(len(pairs), -1, dtype=np.int64)
    other[has] = len(pairs) + np.arange(len(has))
    return np.concatenate([pairs, np.stack([text[has], pairs[has, 1]], axis=1)]), other


def exchanged(order: np.ndarray, other: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(P,) rows of pairs, with the other form of those that were drawn (P,) bool and have one."""
    return np.where(drawn & (other[order] >= 0), other[order], order)
