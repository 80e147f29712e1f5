"""The shards of one folder as a table in files, shared between processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.backbones.shards import KEYS, SUFFIX, CorruptShard, Shard, allow_files, open_shard, write_shard
from emo3d_exp.backbones.stored_rows import Parts, StoredRows
from emo3d_exp.errors import DataError

if TYPE_CHECKING:
    from filelock import FileLock

SMALL_ROWS = 2048  # a shard with fewer is held in memory: a map takes a descriptor, of which there are few
MERGE_ROWS = 8192  # in small shards together
SPARE_FILES = 512  # descriptors that others may need
MERGE_FROM = 32  # small shards; many single requests would otherwise fill the folder with tiny files

log = logging.getLogger(__name__)


class EmbeddingStore:
    """Rows of width ``dim`` by 32-byte key. Reading needs no lock; writing goes through ``writing()``.

    Rows stay in their files; in memory are an index of 40 bytes a row, and the rows of small shards until a
    writer merges them into a large one.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder = folder
        self.dim = dim
        self._forget()
        self.refresh()

    def missing(self, keys: np.ndarray) -> np.ndarray:
        """(n,) position of each distinct key that has no row, where it first stands, in ascending order."""
        unknown = np.flatnonzero(self._find(keys) < 0)
        _, first = np.unique(keys[unknown], return_index=True)
        return unknown[np.sort(first)]

    def rows(self, keys: np.ndarray) -> StoredRows:
        """The rows of N keys, which stay in their files. Raises KeyError for a key without a row."""
        found = self._find(keys)
        if (found < 0).any():
            raise KeyError(keys[int(np.argmin(found))])
        return StoredRows(self._parts, found)

    def refresh(self) -> None:
        """Open the shards that appeared since the last look; report and delete a damaged one."""
        if not all(path.exists() for path in self._small):
            self._forget()  # another process merged them; its large shard spares the memory
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path.name in self._known or path.name.startswith("."):
                continue
            try:
                shard = self._open(path)
                if shard.rows.shape[1] != self.dim:
                    raise CorruptShard(f"width {shard.rows.shape[1]}, expected {self.dim}")
            except FileNotFoundError:
                continue  # merged into another shard by another process; read under the lock
            except CorruptShard as reason:
                log.warning("embedding cache: %s is damaged (%s); computing its part again", path, reason)
                with suppress(OSError):
                    path.unlink()
                continue
            self._absorb(path, shard)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock: one writer at a time, which sees all that others wrote before."""
        lock = self._acquire()
        try:
            for leftover in self.folder.glob(f".*.partial{SUFFIX}"):
                leftover.unlink(missing_ok=True)
            self.refresh()
            self._merge_many()
            yield
            self._merge_many()
        finally:
            lock.release()

    def add(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Keep (N, dim) rows on disk. Call it inside ``writing()``."""
        path = write_shard(self.folder, keys, [rows])
        self._absorb(path, self._open(path))
        if self._small_rows() >= MERGE_ROWS:
            self._merge()

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

    def _forget(self) -> None:
        # Rows handed out before keep the parts that they came from.
        self._known: set[str] = set()
        self._small: list[Path] = []
        self._runs: list[tuple[int, np.ndarray]] = []  # small shards' rows: where they start, and their keys
        self._parts = Parts(self.dim)
        self._keys, self._order = np.empty(0, KEYS), np.empty(0, np.int64)
        self._unsorted: list[np.ndarray] = []

    def _open(self, path: Path) -> Shard:
        allow_files(len(self._known) + SPARE_FILES)
        return open_shard(path, map_from=SMALL_ROWS * self.dim * 4)

    def _absorb(self, path: Path, shard: Shard) -> None:
        if len(shard.keys) and not shard.mapped:
            self._small.append(path)
            self._runs.append((self._parts.count, shard.keys))
        self._unsorted.append(shard.keys)
        self._parts.append(shard.rows)
        self._known.add(path.name)

    def _find(self, keys: np.ndarray) -> np.ndarray:
        """(N,) row of each key, -1 where there is none."""
        if self._unsorted:
            new, self._unsorted = np.concatenate(self._unsorted), []
            order = np.argsort(new, kind="stable")
            new = new[order]
            order += len(self._keys)
            # into the sorted keys rather than sorting all again: few come at a time
            at = np.searchsorted(self._keys, new, side="right")
            self._keys, self._order = np.insert(self._keys, at, new), np.insert(self._order, at, order)
        if not len(self._keys):
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._order[at], -1)

    def _small_rows(self) -> int:
        return sum(len(keys) for _, keys in self._runs)

    def _merge_many(self) -> None:
        if len(self._small) >= MERGE_FROM or self._small_rows() >= MERGE_ROWS:
            self._merge()

    def _merge(self) -> None:
        """Put small shards into one. A kill in between leaves rows twice, never none.

        Rows keep their numbers, so that neither the index nor a large shard is read again.
        """
        runs = _joined(self._runs)
        blocks = (rows for start, keys in runs for rows in self._parts.between(start, start + len(keys)))
        path = write_shard(self.folder, np.concatenate([keys for _, keys in runs]), blocks)
        try:
            shard = self._open(path)
        except (FileNotFoundError, CorruptShard):
            return  # somebody deletes files here; the next reader sorts it out
        done = 0
        for start, keys in runs:
            self._parts.replace(start, shard.rows[done : done + len(keys)])
            done += len(keys)
        for small in self._small:
            small.unlink(missing_ok=True)
        self._known.add(path.name)
        self._small, self._runs = ([], []) if shard.mapped else ([path], runs)


def _joined(runs: list[tuple[int, np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """Ascending runs (first row, keys), those that follow each other without a gap as one."""
    groups: list[tuple[int, list[np.ndarray]]] = []
    end = None
    for start, keys in runs:
        if start != end:
            groups.append((start, []))
        groups[-1][1].append(keys)
        end = start + len(keys)
    return [(start, np.concatenate(keys)) for start, keys in groups]
