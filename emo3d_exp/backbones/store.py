"""The shards of one folder as a table in memory, shared between processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.backbones.shards import SUFFIX, CorruptShard, read_shard, write_shard
from emo3d_exp.errors import DataError

if TYPE_CHECKING:
    from filelock import FileLock

SMALL_ROWS = 2048
MERGE_FROM = 32  # small shards; many single requests would otherwise fill the folder with tiny files

log = logging.getLogger(__name__)


class EmbeddingStore:
    """Rows of width ``dim`` by key. Reading needs no lock; writing goes through ``writing()``."""

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder = folder
        self.dim = dim
        self._known: set[str] = set()
        self._row: dict[bytes, int] = {}
        self._parts: list[np.ndarray] = []
        self._count = 0
        self.refresh()

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """The position of each distinct key that has no row, where it first stands."""
        first: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            if key not in self._row:
                first.setdefault(key, position)
        return list(first.values())

    def rows(self, keys: Sequence[bytes]) -> np.ndarray:
        """(N, dim) float32, a copy. Raises KeyError for a key without a row."""
        if len(self._parts) != 1:
            self._parts = [np.concatenate([np.empty((0, self.dim), np.float32), *self._parts])]
        return self._parts[0][[self._row[key] for key in keys]]

    def refresh(self) -> None:
        """Read the shards that appeared since the last look; report and delete a damaged one."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path.name in self._known or path.name.startswith("."):
                continue
            try:
                keys, rows = read_shard(path)
                if rows.shape[1] != self.dim:
                    raise CorruptShard(f"width {rows.shape[1]}, expected {self.dim}")
            except FileNotFoundError:
                continue  # merged into another shard by another process; read under the lock
            except CorruptShard as reason:
                log.warning("embedding cache: %s is damaged (%s); computing its part again", path, reason)
                with suppress(OSError):
                    path.unlink()
                continue
            self._absorb(path, keys, rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock: one writer at a time, which sees all that others wrote before."""
        lock = self._acquire()
        try:
            for leftover in self.folder.glob(f".*.partial{SUFFIX}"):
                leftover.unlink(missing_ok=True)
            self.refresh()
            yield
            self._merge()
        finally:
            lock.release()

    def add(self, keys: Sequence[bytes], rows: np.ndarray) -> None:
        """Keep (N, dim) rows, on disk and in memory. Call it inside ``writing()``."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        self._absorb(write_shard(self.folder, keys, rows), keys, rows)

    def _acquire(self) -> FileLock:
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            try:
                lock.acquire(timeout=1)
            except Timeout:
                log.warning("embedding cache: waiting for another process that fills %s", self.folder)
                lock.acquire()
        except OSError as error:
            raise DataError(
                f"the embedding cache {self.folder} cannot be written ({error}); choose another folder with "
                "the environment variable EMO3D_CACHE"
            ) from error
        return lock

    def _absorb(self, path: Path, keys: Sequence[bytes], rows: np.ndarray) -> None:
        self._row.update(zip(keys, range(self._count, self._count + len(keys)), strict=True))
        self._parts.append(rows)
        self._count += len(keys)
        self._known.add(path.name)

    def _merge(self) -> None:
        """Put small shards into one. A kill in between leaves rows twice, never none."""
        small = []
        for path in sorted(self.folder.glob(f"[!.]*{SUFFIX}")):
            if path.stat().st_size < SMALL_ROWS * self.dim * 4:
                small.append(path)
        if len(small) < MERGE_FROM:
            return
        try:
            parts = [read_shard(path) for path in small]
        except (FileNotFoundError, CorruptShard):
            return  # somebody deletes files here; the next reader sorts it out
        keys = [key for part, _ in parts for key in part]
        merged = write_shard(self.folder, keys, np.concatenate([rows for _, rows in parts]))
        self._known.add(merged.name)
        for path in small:
            path.unlink(missing_ok=True)
