"""Checks files in the hub's cache against the checksums that the hub gave them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from emo3d_exp.errors import DataError

_SHA1, _SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


def check_downloads(files: Iterable[Path]) -> dict[str, str]:
    """Checksums of the files of a snapshot in the hub's cache, by path in the snapshot's folder ``data``.

    The cache keeps every file under the name that the hub identifies it by: the SHA-256 of a large one, git's
    SHA-1 of a small one. Files that lie in the cache otherwise (where links cannot be made) are left out,
    which whoever asks should tell.

    Raises:
        DataError: a file's content is not what the hub has.
    """
    checked = {}
    for file in files:
        stored = file.resolve()
        if not (_SHA256.fullmatch(stored.name) or _SHA1.fullmatch(stored.name)):
            continue
        if (found := _digest(stored)) != stored.name:
            raise DataError(
                f"{file} is damaged: its checksum is {found}, on the hub {stored.name}. Delete {stored} and "
                "run again: it alone is fetched anew"
            )
        checked[file.name] = found
    return checked


def _digest(file: Path) -> str:
    """SHA-256, or git's SHA-1 of a blob, by the length of the file's name."""
    if _SHA256.fullmatch(file.name):
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
