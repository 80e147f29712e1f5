"""Rows of numbers under 32-byte keys, in files that are whole or known to be broken.

A shard is a header (magic, rows, width, CRC-32 of the rest), the keys, and the rows as little-endian float32.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emo3d_exp.runs import write_atomically

KEY_BYTES = 32
SUFFIX = ".shard"
HEADER = struct.Struct("<8sIII")
MAGIC = b"emo3d-1\n"


class CorruptShard(Exception):
    """A shard that does not hold what its header says."""


def write_shard(folder: Path, keys: Sequence[bytes], rows: np.ndarray) -> Path:
    """Write (N, D) rows under N keys as a new file, which appears whole or not at all."""
    payload = b"".join(keys) + np.ascontiguousarray(rows, dtype="<f4").tobytes()
    header = HEADER.pack(MAGIC, len(keys), rows.shape[1], zlib.crc32(payload))
    path = folder / f"{time.time_ns():x}-{os.getpid():x}{SUFFIX}"
    with write_atomically(path) as partial, partial.open("wb") as file:
        file.write(header)
        file.write(payload)
    return path


def read_shard(path: Path) -> tuple[list[bytes], np.ndarray]:
    """N keys and (N, D) float32 rows. Raises CorruptShard with the reason, FileNotFoundError."""
    content = path.read_bytes()
    if len(content) < HEADER.size:
        raise CorruptShard(f"{len(content)} bytes")
    magic, count, width, checksum = HEADER.unpack_from(content)
    if magic != MAGIC:
        raise CorruptShard("not a shard of this version")
    rows_at = HEADER.size + count * KEY_BYTES
    if len(content) != rows_at + count * width * 4:
        raise CorruptShard(f"{len(content)} bytes where {rows_at + count * width * 4} belong")
    if zlib.crc32(memoryview(content)[HEADER.size :]) != checksum:
        raise CorruptShard("wrong checksum")
    keys = [content[at : at + KEY_BYTES] for at in range(HEADER.size, rows_at, KEY_BYTES)]
    return keys, np.frombuffer(content, dtype="<f4", offset=rows_at).reshape(count, width)
