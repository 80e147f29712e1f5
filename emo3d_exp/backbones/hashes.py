"""SHA-256 of large files, computed once for each path, size and time of change."""

from __future__ import annotations

import hashlib
from pathlib import Path

from emo3d_exp.runs import cache_root, write_atomically


def file_sha256(path: Path) -> str:
    """64 hex digits. The answer is remembered in the cache folder where that can be written."""
    path = path.resolve()
    stat = path.stat()
    identity = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
    record = cache_root() / "weights" / hashlib.sha256(identity.encode()).hexdigest()[:32]
    try:
        known = record.read_text()
        if len(known) == 64:
            return known
    except OSError:
        pass
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        with write_atomically(record) as partial:
            partial.write_text(digest)
    except OSError:
        pass  # a folder that cannot be written costs time, nothing else
    return digest
