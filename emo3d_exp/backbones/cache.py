"""Embeddings computed once for each distinct input and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emo3d_exp.backbones.encoder import Encoder, require_texts
from emo3d_exp.backbones.shards import as_keys
from emo3d_exp.backbones.store import EmbeddingStore
from emo3d_exp.backbones.stored_rows import StoredRows
from emo3d_exp.errors import DataError

TEXTS_A_SHARD = 512
IMAGES_A_SHARD = 64  # published images are large, and a shard's worth is held in memory
SHOW_PROGRESS_FROM = 200
BLOCK = 1 << 18
"""Texts or images that are looked up, and where missing computed, at a time."""


class _Fill(NamedTuple):
    """How positions in a block become rows, and in which order they are best taken."""

    encode: Callable[[list[int]], np.ndarray]
    order: Callable[[list[int]], list[int]]


class EmbeddingCache:
    """Embeddings by content, in a folder that several processes may share.

    What is there is read; what is missing is encoded in batches and written shard by shard, so that a
    killed process loses one shard's work. One process at a time fills a fingerprint's folder with what all
    want, the others wait and then read. A damaged shard is reported, deleted and computed again.

    Args:
        folder: holds a folder for every encoder's fingerprint; it may be deleted at any time.
        progress: show a bar where more than 200 inputs have to be encoded.
    """

    def __init__(self, folder: Path | str, progress: bool = True) -> None:
        self.folder = Path(folder)
        self.progress = progress
        self._stores: dict[tuple[str, str], EmbeddingStore] = {}

    def texts(self, encoder: Encoder, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts, repeats allowed: (N, D) float32."""
        return self.stored_texts(encoder, texts)[:]

    def images(
        self, encoder: Encoder, keys: Sequence[str], read: Callable[[int], np.ndarray], shared: bool = True
    ) -> np.ndarray:
        """Embeddings of N images: (N, D) float32.

        Args:
            keys: N strings; equal keys mean equal pixels.
            read: gives image i as uint8 RGB (H, W, 3); asked once for each distinct key that is missing.
            shared: other processes may want the same images, so that they wait for them here; else they fill
                the cache with theirs meanwhile, and two that do want the same both work for it.
        """
        return self.stored_images(encoder, keys, read, shared)[:]

    def stored_texts(self, encoder: Encoder, texts: Sequence[str]) -> StoredRows:
        """As :meth:`texts`, but the embeddings stay in the cache's files: for more than fits into memory."""
        require_texts(texts)

        def fill(start: int, block: Sequence[str]) -> _Fill:
            return _Fill(
                lambda positions: encoder.encode_texts([block[i] for i in positions]),
                lambda positions: sorted(positions, key=lambda i: -len(block[i])),
            )

        return self._embed(encoder, "text", texts, fill, TEXTS_A_SHARD)

    def stored_images(
        self, encoder: Encoder, keys: Sequence[str], read: Callable[[int], np.ndarray], shared: bool = True
    ) -> StoredRows:
        """As :meth:`images`, but the embeddings stay in the cache's files."""
        require_texts(keys)

        def fill(start: int, block: Sequence[str]) -> _Fill:
            return _Fill(
                lambda positions: encoder.encode_images([read(start + i) for i in positions]),
                lambda given: given,
            )

        return self._embed(encoder, "image", keys, fill, IMAGES_A_SHARD, shared)

    def _embed(
        self,
        encoder: Encoder,
        modality: str,
        contents: Sequence[str],
        fill: Callable[[int, Sequence[str]], _Fill],
        shard_size: int,
        shared: bool = True,
    ) -> StoredRows:
        """Block by block, so that contents that are read from files are never in memory as a whole."""
        name = (encoder.fingerprint, modality)
        if name not in self._stores:
            self._stores[name] = EmbeddingStore(self.folder / name[0] / modality, encoder.dim)
        store = self._stores[name]
        while True:
            found = []
            for start in range(0, max(len(contents), 1), BLOCK):
                block = contents[start : start + BLOCK]
                keys = _hashed(block)
                while len(store.missing(keys)):  # again where files went away meanwhile
                    self._fill(store, keys, fill(start, block), shard_size, (encoder.name, modality), shared)
                found.append(store.rows(keys))
            # rows of other tables: another process has merged files in between
            if len({id(rows.parts) for rows in found}) == 1:
                return StoredRows.joined(found)

    def _fill(
        self,
        store: EmbeddingStore,
        keys: np.ndarray,
        fill: _Fill,
        shard_size: int,
        names: tuple[str, str],
        shared: bool,
    ) -> None:
        throughout, at_a_time = (store.writing, nullcontext) if shared else (nullcontext, store.writing)
        with throughout():
            if not shared:
                store.refresh()
            missing = fill.order(store.missing(keys).tolist())
            with _advance(f"{names[0]}: {names[1]}s", len(missing), self.progress) as advance:
                for start in range(0, len(missing), shard_size):
                    positions = missing[start : start + shard_size]
                    rows = fill.encode(positions)
                    _require_finite(rows, (len(positions), store.dim), *names)
                    with at_a_time():
                        store.add(keys[positions], rows)
                    advance(len(positions))


def _hashed(contents: Sequence[str]) -> np.ndarray:
    return as_keys(hashlib.sha256(each.encode("utf-8", "surrogatepass")).digest() for each in contents)


def _require_finite(rows: np.ndarray, shape: tuple[int, int], name: str, modality: str) -> None:
    if rows.shape != shape:
        raise DataError(f"backbone {name} gave {modality} embeddings of shape {rows.shape}, expected {shape}")
    if not np.isfinite(rows).all():
        raise DataError(f"backbone {name} gave {modality} embeddings that are not finite")


@contextmanager
def _advance(label: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A function that moves a progress bar on standard error, or does nothing for small jobs."""
    if not shown or total < SHOW_PROGRESS_FROM:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)
