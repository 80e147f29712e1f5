"""Exact searches among features, block by block: no matrix of all similarities is ever held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emo3d_exp.metrics.arrays import as_float64, on_cpu, unit_rows

BANK_AT_ONCE = 8192
SIMILARITIES_AT_ONCE = 2**22
"""Of float64, 32 MiB."""

SIMILARITY_DECIMALS = 12
"""Cosines are compared after rounding: prompts that are equally near must tie whatever order the
matrix product summed in, and float64 leaves about 15 digits."""


def nearest_prompts(
    queries: Any, bank: Any, k: int = 10, query_ids: Any = None, bank_ids: Any = None
) -> np.ndarray:
    """Rows of the ``k`` bank features with the largest cosine, by an exact search.

    Args:
        queries: (N, D) features of images (or of texts). bank: (M, D) features of the bank's prompts.
            Neither has to be normalised.
        k: from 1 to M.
        query_ids, bank_ids: (N,) and (M,) sample ids; where both are given, a query is never led back to
            rows of its own sample.

    Returns:
        (N, k) int64 rows of ``bank``, nearest first; of equally near ones the lower row comes first.

    Raises:
        ValueError: shapes do not fit, k is out of range or above what the own sample leaves of the bank, or a
            feature is zero or not finite.
    """
    queries, bank = _checked(queries, "queries"), _checked(bank, "bank")
    _same_width(queries, bank)
    if not 1 <= k <= len(bank):
        raise ValueError(f"k must lie in 1 … {len(bank)} (the bank's size), got {k}")
    own = _own(query_ids, bank_ids, len(queries), len(bank))
    near = np.full((len(queries), k), np.inf)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for start, block in _blocks(bank):
        for part in _parts(len(queries), len(block)):
            distance = -(_directions(queries[part]) @ block.T).round(SIMILARITY_DECIMALS)
            if own is not None:
                distance[own[0][part, None] == own[1][start : start + len(block)]] = np.inf
            for row, values in enumerate(distance, part.start):
                _merge(near[row], rows[row], values, start)
    if own is not None and np.isinf(near).any():
        short = int((np.isinf(near).any(axis=1)).argmax())
        raise ValueError(
            f"k={k}: without its own sample the bank holds only {np.isfinite(near[short]).sum()} prompts for "
            f"query {short}"
        )
    return rows


def own_ranks(queries: Any, texts: Any) -> np.ndarray:
    """How many other texts are nearer to each query than its own one.

    Args:
        queries, texts: (N, D) features; row i of both belongs together. Neither has to be normalised.

    Returns:
        (N,) int64 from 0 (the own text is the nearest) to N - 1; of equally near ones the lower row comes
        first, as in :func:`nearest_prompts`.
    """
    queries, texts = _checked(queries, "queries"), _checked(texts, "texts")
    _same_width(queries, texts)
    if len(queries) != len(texts):
        raise ValueError(f"{len(queries)} queries but {len(texts)} texts")
    own = np.concatenate(
        [(_directions(queries[start : start + len(block)]) * block).sum(axis=1)
         for start, block in _blocks(texts)]
    ).round(SIMILARITY_DECIMALS)  # fmt: skip
    ranks = np.zeros(len(queries), dtype=np.int64)
    for start, block in _blocks(texts):
        columns = np.arange(start, start + len(block))
        for part in _parts(len(queries), len(block)):
            similarity = (_directions(queries[part]) @ block.T).round(SIMILARITY_DECIMALS)
            level, before = own[part, None], columns < np.arange(part.start, part.stop)[:, None]
            itself = columns == np.arange(part.start, part.stop)[:, None]
            ranks[part] += (((similarity > level) | ((similarity == level) & before)) & ~itself).sum(axis=1)
    return ranks


def _merge(near: np.ndarray, rows: np.ndarray, values: np.ndarray, start: int) -> None:
    """Put what is nearer among ``values``, of the bank's rows from ``start``, into the k nearest so far."""
    k = len(near)
    few = min(k, len(values))
    level = min(np.partition(values, few - 1)[few - 1], near[-1])
    found = np.flatnonzero(values <= level)
    found = found[np.isfinite(values[found])]
    distances = np.concatenate([near, values[found]])
    order = np.argsort(distances, kind="stable")[:k]  # earlier rows stand first
    rows[:] = np.concatenate([rows, found + start])[order]
    near[:] = distances[order]


def _blocks(bank: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(bank), BANK_AT_ONCE):
        yield start, _directions(bank[start : start + BANK_AT_ONCE])


def _parts(queries: int, columns: int) -> Iterator[slice]:
    step = min(BANK_AT_ONCE, max(1, SIMILARITIES_AT_ONCE // max(1, columns)))
    for start in range(0, queries, step):
        yield slice(start, min(start + step, queries))


def _own(query_ids: Any, bank_ids: Any, n: int, m: int) -> tuple[np.ndarray, np.ndarray] | None:
    if query_ids is None or bank_ids is None:
        return None
    ids = tuple(np.asarray(on_cpu(values)).reshape(-1) for values in (query_ids, bank_ids))
    if (len(ids[0]), len(ids[1])) != (n, m):
        raise ValueError(f"{len(ids[0])} query ids for {n} queries, {len(ids[1])} bank ids for {m} prompts")
    return ids[0], ids[1]


def _checked(features: Any, name: str) -> np.ndarray:
    """The features as they are, all of them directions."""
    features = on_cpu(features)
    if features.ndim != 2:
        raise ValueError(f"{name}: expected (rows, width), got {features.shape}")
    length = np.concatenate(
        [np.linalg.norm(as_float64(features[s : s + BANK_AT_ONCE]), axis=1)
         for s in range(0, len(features), BANK_AT_ONCE)] or [np.empty(0)]
    )  # fmt: skip
    useless = np.flatnonzero(~(np.isfinite(length) & (length > 0)))
    if len(useless):
        raise ValueError(f"{name}: rows {useless[:5].tolist()} are zero or not finite, so have no direction")
    return features


def _directions(features: np.ndarray) -> np.ndarray:
    """Float64 unit rows: made of a part at a time, since of all queries they would be gigabytes."""
    return unit_rows(as_float64(features))


def _same_width(queries: np.ndarray, bank: np.ndarray) -> None:
    if queries.shape[1] != bank.shape[1]:
        raise ValueError(f"features differ in width: {queries.shape[1]} (queries), {bank.shape[1]} (bank)")
