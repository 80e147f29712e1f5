"""Features of rendered faces: drawn ahead on several threads, each distinct face once, ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.looks import look_key
from emo3d_exp.runs import available_cores

if TYPE_CHECKING:
    from emo3d_exp.backbones import EmbeddingCache, Encoder
    from emo3d_exp.faces import Look, Renderer


def face_features(
    faces: np.ndarray,
    renderer: Renderer,
    judge: Encoder,
    cache: EmbeddingCache,
    threads: int | None = None,
    look: Look | None = None,
    shared: bool = True,
) -> np.ndarray:
    """A judge's features of the pictures of (N, 52) blendshapes: (N, D) float32.

    Pictures are known by the renderer's fingerprint, the look and the 52 numbers, so that a face which was
    seen before, in this run or in another, is neither drawn nor encoded again.

    Args:
        threads: that draw; None: as many as there are cores, at most 4. look: of all faces; None: neutral.
        shared: whether others are likely to ask for the same faces, see ``EmbeddingCache.images``.
    """
    faces = np.ascontiguousarray(faces, dtype=np.float32)
    kind = f"{renderer.fingerprint} {look_key(look)}".rstrip() if look else renderer.fingerprint
    keys = [f"face {kind} {hashlib.sha256(face.tobytes()).hexdigest()}" for face in faces]
    with FacesAhead(faces, keys, renderer, threads or _cores(), look) as ahead:
        return cache.images(judge, keys, ahead.read, shared)


class FacesAhead:
    """Draws the next faces while the caller works on this one.

    The caller asks for distinct keys in ascending order and skips those that it knows. Drawing starts at
    the first question, so a cache that knows everything draws nothing.
    """

    def __init__(
        self, faces: np.ndarray, keys: list[str], renderer: Renderer, threads: int, look: Look | None = None
    ) -> None:
        self._faces, self._renderer, self._threads, self._look = faces, renderer, threads, look
        self._first = sorted({key: row for row, key in reversed(list(enumerate(keys)))}.values())
        self._futures: dict[int, Future[np.ndarray]] = {}

    def __enter__(self) -> FacesAhead:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="render")
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def read(self, row: int) -> np.ndarray:
        """The picture of a face, uint8 RGB (H, W, 3)."""
        for passed in [known for known in self._futures if known < row]:
            self._futures.pop(passed).cancel()
        for following in islice(self._from(row), 2 * self._threads):
            if following not in self._futures:
                self._futures[following] = self._pool.submit(self._draw, following)
        return self._futures.pop(row).result()

    def _from(self, row: int) -> Iterator[int]:
        yield row
        start = int(np.searchsorted(self._first, row, side="right"))
        yield from self._first[start:]

    def _draw(self, row: int) -> np.ndarray:
        return self._renderer.render(self._faces[row], self._look)[0]


def _cores() -> int:
    return min(4, available_cores())
