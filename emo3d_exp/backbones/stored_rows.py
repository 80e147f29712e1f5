"""Rows that stay in the cache's files until somebody asks for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

BLOCK_ROWS = 1024


class Parts:
    """Arrays (n, D) below each other, as one table that is never put together.

    Args:
        dim: width D.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        # One attribute: a thread that reads while another one replaces sees both lists old or both new.
        self._table: tuple[list[np.ndarray], list[int]] = [], []
        self.count = 0

    def append(self, rows: np.ndarray) -> None:
        """Add (n, D) rows at the end."""
        if len(rows):
            arrays, starts = self._table
            arrays.append(rows)
            starts.append(self.count)
            self.count += len(rows)

    def between(self, start: int, stop: int) -> Iterator[np.ndarray]:
        """The arrays of rows ``start`` to ``stop``, where arrays begin and end."""
        arrays, starts = self._table
        yield from arrays[bisect_left(starts, start) : bisect_left(starts, stop)]

    def replace(self, start: int, rows: np.ndarray) -> None:
        """Let (n, D) rows of equal content stand for the arrays from row ``start`` on, which are let go."""
        arrays, starts = self._table
        first, end = bisect_left(starts, start), bisect_left(starts, start + len(rows))
        self._table = [*arrays[:first], rows, *arrays[end:]], [*starts[:first], start, *starts[end:]]

    def copy_into(self, out: np.ndarray, rows: np.ndarray) -> None:
        """Write the table's ``rows`` (N,) into ``out`` (N, D)."""
        arrays, starts = self._table
        if len(arrays) == 1:
            out[:] = arrays[0][rows]
            return
        part = np.searchsorted(starts, rows, side="right") - 1
        order = np.argsort(part, kind="stable")
        ends = np.flatnonzero(np.diff(part[order])) + 1
        for at in np.split(order, ends):
            if len(at):
                number = part[at[0]]
                out[at] = arrays[number][rows[at] - starts[number]]


class StoredRows:
    """(N, D) float32 rows of a table in files. Slicing and indexing copy out what is asked for.

    Args:
        parts: the table. rows: (N,) rows of the table; -1: absent, read as zeros.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, parts: Parts, rows: np.ndarray) -> None:
        self.parts = parts
        self._rows = rows

    @classmethod
    def joined(cls, pieces: Sequence[StoredRows]) -> StoredRows:
        """Rows of one table below each other."""
        return cls(pieces[0].parts, np.concatenate([piece._rows for piece in pieces]))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._rows), self.parts.dim

    @property
    def present(self) -> np.ndarray:
        """(N,) bool: the row is not absent."""
        return self._rows >= 0

    def __getitem__(self, chosen: slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """The chosen rows (n, D), the caller's own."""
        rows = self._rows[chosen]
        out = np.zeros((len(rows), self.parts.dim), dtype=np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):  # what a block needs in between is small
            block, wanted = out[start : start + BLOCK_ROWS], rows[start : start + BLOCK_ROWS]
            here = np.flatnonzero(wanted >= 0)
            if len(here) == len(wanted):
                self.parts.copy_into(block, wanted)
            elif len(here):
                found = np.empty((len(here), self.parts.dim), dtype=np.float32)
                self.parts.copy_into(found, wanted[here])
                block[here] = found
        return out

    def spread(self, places: np.ndarray, count: int) -> StoredRows:
        """``count`` rows of which those at ``places`` (N,) are these, and the others absent."""
        rows = np.full(count, -1, dtype=np.int64)
        rows[places] = self._rows
        return StoredRows(self.parts, rows)
