"""Converted rigs in the cache folder: arrays without pickles, checked on the way back."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from pathlib import Path

import numpy as np

from emo3d_exp.faces.ict.topology import Topology
from emo3d_exp.runs import cache_root, write_atomically
from emo3d_exp.vocab import VOCABULARY_HASH

log = logging.getLogger(__name__)

CONVERTER_VERSION = 6
"""Raise it when the same source gives other arrays."""

_CHECKSUM = "checksum"


def cached_file(source: str, topology: Topology) -> Path:
    """Where the rig converted from the source with hash ``source`` lies, or will."""
    key = hashlib.sha256(f"{source} {topology} {CONVERTER_VERSION} {VOCABULARY_HASH}".encode()).hexdigest()[
        :32
    ]
    return cache_root() / "rigs" / f"ict_facekit-{key}.npz"


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write ``arrays`` and their checksum, atomically."""
    with write_atomically(path) as partial:
        np.savez(partial, **arrays, **{_CHECKSUM: _checksum(arrays)})


def load(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of a cached rig; None where there is none, or a damaged one, which is reported."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if np.array_equal(arrays.pop(_CHECKSUM), _checksum(arrays)):
            return arrays
        reason = "its checksum is wrong"
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error)
    log.warning("%s is damaged (%s): converting again", path, reason)
    return None


def _checksum(arrays: dict[str, np.ndarray]) -> np.ndarray:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array)
    return np.frombuffer(digest.digest(), np.uint8)
