"""Rows that stay in the cache's files until somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCK_ROWS = 1024


class Parts:
    """Arrays (n, D) below each other, as one table that is never put together.

    Args:
        dim: width D.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._arrays: list[np.ndarray] = []
        self._starts: list[int] = []
        self.count = 0

    def append(self, rows: np.ndarray) -> None:
        """Add (n, D) rows at the end."""
        if len(rows):
            self._arrays.append(rows)
            self._starts.append(self.count)
            self.count += len(rows)

    def copy_into(self, out: np.ndarray, rows: np.ndarray) -> None:
        """Write the table's ``rows`` (N,) into ``out`` (N, D)."""
        if len(self._arrays) == 1:
            out[:] = self._arrays[0][rows]
            return
        part = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(part, kind="stable")
        ends = np.flatnonzero(np.diff(part[order])) + 1
        for at in np.split(order, ends):
            if len(at):
                number = part[at[0]]
                out[at] = self._arrays[number][rows[at] - self._starts[number]]


class StoredRows:
    """(N, D) float32 rows of a table in files. Slicing and indexing copy out what is asked for.

    Args:
        parts: the table. rows: (N,) rows of the table; -1: absent, read as zeros.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, parts: Parts, rows: np.ndarray) -> None:
        self._parts = parts
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._rows), self._parts.dim

    @property
    def present(self) -> np.ndarray:
        """(N,) bool: the row is not absent."""
        return self._rows >= 0

    def __getitem__(self, chosen: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """The chosen rows (n, D), the caller's own."""
        rows = self._rows[chosen]
        out = np.zeros((len(rows), self._parts.dim), dtype=np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):  # what a block needs in between is small
            block, wanted = out[start : start + BLOCK_ROWS], rows[start : start + BLOCK_ROWS]
            here = np.flatnonzero(wanted >= 0)
            if len(here) == len(wanted):
                self._parts.copy_into(block, wanted)
            elif len(here):
                found = np.empty((len(here), self._parts.dim), dtype=np.float32)
                self._parts.copy_into(found, wanted[here])
                block[here] = found
        return out

    def spread(self, places: np.ndarray, count: int) -> StoredRows:
        """``count`` rows of which those at ``places`` (N,) are these, and the others absent."""
        rows = np.full(count, -1, dtype=np.int64)
        rows[places] = self._rows
        return StoredRows(self._parts, rows)
