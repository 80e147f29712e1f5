"""Columns in files that are read through memory maps: nothing is in memory but what is looked at."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.records import N_BLENDSHAPES, N_EMOTIONS, ImageRef

NUMBERS: dict[str, tuple[str, int]] = {
    "sample_id": ("<i8", 1),
    "emotions": ("<f4", N_EMOTIONS),
    "published_split": ("<U5", 1),
    "file": ("<i4", 1),
    "row": ("<i8", 1),
    "text_sample": ("<i8", 1),
    "text_number": ("<i8", 1),
    "blendshapes": ("<f4", N_BLENDSHAPES),
    "scored": ("?", 1),
    "pictured": ("?", 1),
    "face_sample": ("<i8", 1),
    "face_number": ("<i8", 1),
    "order": ("<i8", 1),
}
"""Type and width. ``file`` and ``row``: where a sample stands in the table; ``order``: rows of samples by
ascending id, empty where they stand so."""
TEXTS = ("text", "location", "key")
"""Texts end to end as UTF-8, and where each ends."""
_FILES = {**NUMBERS, **{name: ("u1", 1) for name in TEXTS}, **{f"{name}_end": ("<i8", 1) for name in TEXTS}}
BLOCK = 4096


class ColumnWriter:
    """Appends to columns of a new folder; OSErrors of a full disk are the caller's."""

    def __init__(self, folder: Path) -> None:
        self._files = {name: (folder / f"{name}.bin").open("wb") for name in _FILES}
        self._ends = dict.fromkeys(TEXTS, 0)
        self.bytes = 0

    def append(self, name: str, values: np.ndarray) -> None:
        """Add (n,) or (n, width) values to a column of numbers."""
        content = np.ascontiguousarray(values, dtype=_FILES[name][0]).tobytes()
        self.bytes += self._files[name].write(content)

    def append_texts(self, name: str, texts: Sequence[str]) -> None:
        """Add texts to one of ``TEXTS``."""
        encoded = [text.encode() for text in texts]
        ends = self._ends[name] + np.cumsum([len(text) for text in encoded], dtype=np.int64)
        self._ends[name] = int(ends[-1]) if len(ends) else self._ends[name]
        self.bytes += self._files[name].write(b"".join(encoded))
        self.append(f"{name}_end", ends)

    def flush(self) -> None:
        """Let readers see what has been appended."""
        for file in self._files.values():
            file.flush()

    def finish(self) -> dict[str, int]:
        """Put everything on the disk; the bytes of every file."""
        self.flush()
        for file in self._files.values():
            os.fsync(file.fileno())
            file.close()
        return {name: os.path.getsize(file.name) for name, file in self._files.items()}

    def abandon(self) -> None:
        """Close what is open; on a full disk that fails too, which matters no more."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()


class Columns:
    """What a :class:`ColumnWriter` wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sizes(self) -> dict[str, int]:
        """Bytes of every file. Raises OSError where one is not there."""
        return {name: (self.folder / f"{name}.bin").stat().st_size for name in _FILES}

    def numbers(self, name: str) -> np.ndarray:
        """A column, read-only: (N,), or (N, width) where it is wider than 1."""
        kind, width = _FILES[name]
        values = np.frombuffer(_mapped(self.folder / f"{name}.bin"), dtype=kind)
        return values if width == 1 else values.reshape(-1, width)

    def texts(self, name: str) -> MappedTexts:
        """A column of texts."""
        return MappedTexts(_mapped(self.folder / f"{name}.bin"), self.numbers(f"{name}_end"))


def _mapped(file: Path) -> Any:
    with file.open("rb") as opened:
        if not os.fstat(opened.fileno()).st_size:
            return b""
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


class Taken:
    """Rows of an array in files: (N, …). Slicing and indexing copy out what is asked for."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self._array, self._rows = array, rows
        self.dtype, self.shape = array.dtype, (len(rows), *array.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        return self._array[self._rows[chosen]]


class _InBlocks(Sequence[Any]):
    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK]


class MappedTexts(_InBlocks):
    """N texts of a file, or some of them; a slice is a list of ``str``.

    Args:
        content: bytes of all. ends: where each ends. rows: which, in order; None: all.
    """

    def __init__(self, content: Any, ends: np.ndarray, rows: np.ndarray | None = None) -> None:
        self._content, self._ends, self._rows = content, ends, rows

    def __len__(self) -> int:
        return len(self._ends) if self._rows is None else len(self._rows)

    def __getitem__(self, chosen: Any) -> Any:
        if not isinstance(chosen, slice):
            number = range(len(self))[chosen]
            return self[number : number + 1][0]
        rows = np.arange(*chosen.indices(len(self))) if self._rows is None else self._rows[chosen]
        starts = np.where(rows > 0, self._ends[rows - 1], 0).tolist()
        ends = self._ends[rows].tolist()
        return [bytes(self._content[a:b]).decode() for a, b in zip(starts, ends, strict=True)]

    def take(self, rows: np.ndarray) -> MappedTexts:
        """The texts of some rows of the file."""
        return MappedTexts(self._content, self._ends, rows)


class JoinedTexts(_InBlocks):
    """Texts behind others; a slice is a list."""

    def __init__(self, first: Sequence[str], second: Sequence[str]) -> None:
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __getitem__(self, chosen: Any) -> Any:
        if not isinstance(chosen, slice):
            number = range(len(self))[chosen]
            return self[number : number + 1][0]
        start, stop, step = chosen.indices(len(self))
        if step != 1:
            raise ValueError("texts are read in steps of 1")
        own = len(self._first)
        return [
            *self._first[min(start, own) : min(stop, own)],
            *self._second[max(start - own, 0) : max(stop - own, 0)],
        ]


class MappedImages(_InBlocks):
    """References of F faces, None where a face has no picture; a slice is a list.

    Args:
        columns: of the table. rows: which faces, in order; None: all.
    """

    def __init__(self, columns: Columns, rows: np.ndarray | None = None) -> None:
        self._pictured = columns.numbers("pictured")
        self._location, self._key = columns.texts("location"), columns.texts("key")
        self._rows = rows

    def __len__(self) -> int:
        return len(self._pictured) if self._rows is None else len(self._rows)

    def __getitem__(self, chosen: Any) -> Any:
        if not isinstance(chosen, slice):
            number = range(len(self))[chosen]
            return self[number : number + 1][0]
        rows = np.arange(*chosen.indices(len(self))) if self._rows is None else self._rows[chosen]
        found = zip(
            self._pictured[rows].tolist(), self._location.take(rows)[:], self._key.take(rows)[:], strict=True
        )
        return [ImageRef(location, key) if there else None for there, location, key in found]
