"""A file from an address, resumable, and checked before it gets its name."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable
from pathlib import Path

CHUNK = 1 << 18
SECONDS = 30.0
"""Of silence, after which a connection is given up."""


def sha256_of(file: Path) -> str:
    """64 hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch_file(
    address: str, target: Path, size: int, sha256: str, count: Callable[[int], None] = lambda _: None
) -> None:
    """Fetch one file, continuing what an interrupted attempt left; in place only when it is the right one.

    Args:
        size: in bytes. sha256: 64 hex digits. count: told of further bytes as they come.

    Raises:
        OSError: the connection ended early, or what came is another file.
        http.client.HTTPException: the server does not answer as one.
    """
    part = target.with_name(f"{target.name}.partial")
    have = part.stat().st_size if part.is_file() else 0
    if have < size:
        have = _append(address, part, have, size, count)
    if have < size:
        raise OSError(f"the connection ended after {have} of {size} bytes; run again to continue")
    found = sha256_of(part)
    if have != size or found != sha256:
        part.unlink()
        raise OSError(f"it has {have} bytes and SHA-256 {found}, expected {size} and {sha256}")
    part.replace(target)


def _append(address: str, part: Path, have: int, size: int, count: Callable[[int], None]) -> int:
    """Ask for the rest of a file; returns the bytes then on disk, at most ``size`` + 1."""
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        if have and answer.status != 206:  # a server that starts over
            have = 0
        count(have)
        with part.open("ab" if have else "wb") as file:
            while have <= size and (chunk := answer.read(min(CHUNK, size + 1 - have))):
                file.write(chunk)
                have += len(chunk)
                count(len(chunk))
    return have
