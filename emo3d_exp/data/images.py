"""Pixels of an image reference: a file, a member of a zip archive, or a place in a parquet shard."""

from __future__ import annotations

import os
import re
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef

if TYPE_CHECKING:
    import pyarrow as pa

_INSIDE = re.compile(r"^(?P<container>.+\.(?P<kind>zip|parquet))!(?P<name>.+)$")
IMAGE_COLUMN, IMAGES_COLUMN = "image", "images"
"""In a parquet shard: encoded images, or lists of structs with a field ``image``."""
SHARD_BYTES = 256 << 20
"""Of shards that are kept in memory for the next image."""


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
        return _in_shard(container, name)
    except (OSError, KeyError, IndexError, ValueError, TypeError, zipfile.BadZipFile) as error:
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
) -> tuple[Sequence[str], Callable[[int], np.ndarray]]:
    """Keys and a reader of some faces' images, as an embedding cache wants them.

    Args:
        faces: rows of ``corpus.image``; each must have an image.

    Returns:
        ``keys[i]`` identifies the content of the i-th face's image, ``read(i)`` gives its pixels.
    """
    faces = np.asarray(faces, dtype=np.int64)
    if missing := np.count_nonzero(~corpus.has_image[faces]):
        raise ValueError(f"{missing} of {len(faces)} faces have no image")
    return _Keys(corpus, faces), lambda index: read_image(corpus.image[int(faces[index])])


class _Keys(Sequence[str]):
    """Keys of some faces' images, each made when it is asked for."""

    def __init__(self, corpus: Corpus, faces: np.ndarray) -> None:
        self._image, self._faces = corpus.image, faces

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, slice):
            return [self._image[face].key for face in self._faces[chosen].tolist()]
        return self._image[int(self._faces[chosen])].key


@lru_cache(maxsize=16)
def _archive(path: str, process: int) -> zipfile.ZipFile:
    # A handle shared with a forked process would share its file position: one a process.
    return zipfile.ZipFile(path)


class _Shards:
    """Columns of images, the latest ones, within a bound of bytes (but always one)."""

    def __init__(self, most: int) -> None:
        self.most, self.lock = most, threading.Lock()
        self.kept: OrderedDict[tuple[str, int], pa.ChunkedArray] = OrderedDict()

    def column(self, path: str) -> pa.ChunkedArray:
        """The column of images, or of lists of images."""
        key = (path, os.stat(path).st_mtime_ns)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        read = _read_column(path)
        with self.lock:
            self.kept[key] = read
            while len(self.kept) > 1 and sum(column.nbytes for column in self.kept.values()) > self.most:
                self.kept.popitem(last=False)
        return read


_SHARDS = _Shards(SHARD_BYTES)


def _read_column(path: str) -> pa.ChunkedArray:
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    column = IMAGE_COLUMN if IMAGE_COLUMN in names else IMAGES_COLUMN
    # Not by way of a data set, whose reader keeps more of the file in memory.
    with pq.ParquetFile(path) as file:
        return file.read(columns=[column], use_threads=False)[column]


def _in_shard(path: str, place: str) -> bytes:
    """``row`` of a column of images, or ``row!place`` of a column of lists of images."""
    row, _, number = place.partition("!")
    stored = _SHARDS.column(path)[int(row)]
    encoded = stored[int(number)]["image"].as_py() if number else stored.as_py()
    if not isinstance(encoded, bytes):
        raise ValueError("there is no image at this place")
    return encoded
