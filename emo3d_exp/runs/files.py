"""Files that are whole or absent, never half."""

from __future__ import annotations

import json
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def write_atomically(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it into place if the block ends well, else remove it.

    The temporary name keeps the suffix, so that writers which look at it behave as for ``path``.
    The file gets the permissions of any new file, also from writers that make theirs private.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        # A new file shows what the umask gives; to ask for the umask is to change it, for every thread.
        partial.touch(exist_ok=False)
        mode = stat.S_IMODE(partial.stat().st_mode)
        partial.unlink()
        yield partial
        if stat.S_IMODE(partial.stat().st_mode) != mode:
            partial.chmod(mode)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path | str, content: Any) -> None:
    """Write plain values as indented JSON, atomically. Raises ValueError for NaN or infinity."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with write_atomically(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
