"""Rows of numbers under 32-byte keys, in files that are whole or known to be broken.

A shard is a header (magic, rows, width, CRC-32 of the rest), the keys, and the rows as little-endian float32.
Large files are written and checked in blocks and their rows read through a memory map, so that none is ever
held in memory as a whole. A map keeps a file descriptor, of which a process has few: small files are read.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emo3d_exp.runs import write_atomically

KEY_BYTES = 32
KEYS = np.dtype(f"S{KEY_BYTES}")
SUFFIX = ".shard"
HEADER = struct.Struct("<8sIII")
MAGIC = b"emo3d-1\n"
BLOCK_BYTES = 1 << 20


class CorruptShard(Exception):
    """A shard that does not hold what its header says."""


@dataclass(frozen=True)
class Shard:
    """A file's content: ``keys`` (N,) of 32 bytes, in memory, and ``rows`` (N, D) float32.

    The rows are in the file if ``mapped``, else in memory; they stay readable after the file was deleted.
    """

    keys: np.ndarray
    rows: np.ndarray
    mapped: bool


def as_keys(keys: Iterable[bytes]) -> np.ndarray:
    """(N,) array of 32-byte keys: 32 bytes each, where objects take three times that."""
    return np.frombuffer(b"".join(keys), KEYS)


def allow_files(count: int) -> None:
    """Let this process have ``count`` open files, if the system does: 15 million rows are 1,900 shards, and
    the usual limit is 1,024."""
    try:
        import resource
    except ImportError:
        return  # a system without such limits
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        wanted = 2 * count if hard == resource.RLIM_INFINITY else min(2 * count, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), hard))


def write_shard(folder: Path, keys: np.ndarray, blocks: Iterable[np.ndarray]) -> Path:
    """Write N keys, and N rows of one width as blocks (n, D), as a file that appears whole or not at all."""
    while (path := folder / f"{time.time_ns():x}-{os.getpid():x}{SUFFIX}").exists():
        pass  # a coarse clock
    with write_atomically(path) as partial, partial.open("wb") as file:
        file.write(bytes(HEADER.size))
        content = np.ascontiguousarray(keys).tobytes()
        file.write(content)
        checksum, width = zlib.crc32(content), 0
        for block in blocks:
            content = np.ascontiguousarray(block, dtype="<f4").tobytes()
            file.write(content)
            checksum, width = zlib.crc32(content, checksum), block.shape[1]
        file.seek(0)
        file.write(HEADER.pack(MAGIC, len(keys), width, checksum))
    return path


def open_shard(path: Path, map_from: int) -> Shard:
    """Check a shard, and map it if the file has at least ``map_from`` bytes, else read it.

    Raises CorruptShard with the reason, FileNotFoundError.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < HEADER.size:
            raise CorruptShard(f"{size} bytes")
        magic, count, width, checksum = HEADER.unpack(file.read(HEADER.size))
        if magic != MAGIC:
            raise CorruptShard("not a shard of this version")
        rows_at = HEADER.size + count * KEY_BYTES
        if size != rows_at + count * width * 4:
            raise CorruptShard(f"{size} bytes where {rows_at + count * width * 4} belong")
        # Read, not mapped: what is read through the map counts as this process's memory, page by page.
        keys = np.frombuffer(file.read(count * KEY_BYTES), KEYS)
        held = file.read() if size < map_from else b""
        found = zlib.crc32(held, zlib.crc32(keys))
        while block := file.read(BLOCK_BYTES):
            found = zlib.crc32(block, found)
        if found != checksum:
            raise CorruptShard("wrong checksum")
        if size < map_from:
            return Shard(keys, np.frombuffer(held, "<f4").reshape(count, width), mapped=False)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    rows = np.frombuffer(mapped, "<f4", count * width, rows_at).reshape(count, width)
    return Shard(keys, rows, mapped=True)
