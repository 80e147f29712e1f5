"""Pixels of an image reference: a file, a member of a zip archive, or a row of a parquet shard."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef

if TYPE_CHECKING:
    import pyarrow as pa

_INSIDE = re.compile(r"^(?P<container>.+\.(?P<kind>zip|parquet))!(?P<name>.+)$")
IMAGE_COLUMN = "image"


def encoded_bytes(ref: ImageRef) -> bytes:
    """The encoded image (JPEG, PNG, …) that a reference points to, not mirrored where it should be.

    Raises:
        DataError: the file, archive member or row is not there or cannot be read.
    """
    inside = _INSIDE.match(ref.location)
    try:
        if inside is None:
            return Path(ref.location).read_bytes()
        container, name = inside["container"], inside["name"]
        if inside["kind"] == "zip":
            return _archive(container, os.getpid()).read(name)
        row, _, place = name.partition("!")
        if place:
            return _listed(container, int(row), int(place))
        return _shard(container, os.stat(container).st_mtime_ns)[int(name)].as_py()
    except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read image {ref.location}: {error}") from error


def read_image(ref: ImageRef) -> np.ndarray:
    """Decode an image, and flip it where its reference says so. Returns uint8 RGB (H, W, 3); grey and
    transparent images are converted.

    Raises:
        DataError: the image is not there or cannot be decoded.
    """
    import cv2

    data = np.frombuffer(encoded_bytes(ref), dtype=np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if pixels is None:
        raise DataError(f"{ref.location} is no image that can be decoded")
    return np.ascontiguousarray(pixels[:, :: -1 if ref.mirrored else 1, ::-1])


def image_reader(
    corpus: Corpus, faces: Sequence[int] | np.ndarray
) -> tuple[list[str], Callable[[int], np.ndarray]]:
    """Keys and a reader of some faces' images, as an embedding cache wants them.

    Args:
        faces: rows of ``corpus.image``; each must have an image.

    Returns:
        ``keys[i]`` identifies the content of the i-th face's image, ``read(i)`` gives its pixels.
    """
    refs = [corpus.image[int(face)] for face in faces]
    if any(ref is None for ref in refs):
        raise ValueError(f"{sum(ref is None for ref in refs)} of {len(refs)} faces have no image")
    return [ref.key for ref in refs], lambda index: read_image(refs[index])


@lru_cache(maxsize=16)
def _archive(path: str, process: int) -> zipfile.ZipFile:
    # A handle shared with a forked process would share its file position: one a process.
    return zipfile.ZipFile(path)


def _listed(container: str, row: int, place: int) -> bytes:
    """The bytes at a place of the list ``images`` in a row of a builder's shard."""
    rows = _lists(container, os.stat(container).st_mtime_ns)
    encoded = rows[row].as_py()[place][IMAGE_COLUMN]
    if encoded is None:
        raise ValueError("there is no picture at this place")
    return encoded


@lru_cache(maxsize=4)
def _lists(path: str, changed: int) -> pa.ChunkedArray:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["images"])["images"]


@lru_cache(maxsize=64)
def _shard(path: str, changed: int) -> pa.ChunkedArray:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=[IMAGE_COLUMN])[IMAGE_COLUMN]
