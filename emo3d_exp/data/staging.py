"""Frozen-backbone data as tensors: an epoch costs what slicing tensors costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from emo3d_exp.backbones import StoredRows
from emo3d_exp.data.dealing import Dealing
from emo3d_exp.data.exchanging import exchanged, with_others
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import EmbeddingBatch, Exchange, StepShare

if TYPE_CHECKING:
    import torch

GATHER_BYTES = 1 << 30
"""Up to this size the rows are gathered once for every pair, above it for every batch."""

Column: TypeAlias = "torch.Tensor | StoredRows"


class TensorBatches:
    """Batches of (text, face) pairs over precomputed embeddings.

    Args:
        text: (T, D) embeddings. image: (F, D) embeddings, absent or NaN where a face has no image; or None.
            Arrays, or rows in files, of which no more is copied into memory than ``gather_bytes``.
        blendshapes: (F, 52). emotions: (T, 8) intensities, of the sample that each text belongs to. They may
            be in files too.
        pairs: (P, 2) rows of ``text`` and of ``blendshapes``.
        batch_size: pairs a batch; the last one may be smaller.
        shuffle: in an order that depends on ``seed`` and epoch alone, a new one each epoch.
        exchange: texts that are read in another form now and then, where shuffled.
        gather_bytes: see ``GATHER_BYTES``.
        dealing: this process's part of each batch; None: all of it.

    Iterating yields ``EmbeddingBatch`` dicts. ``has_image`` (B,) bool is in them only where some faces have
    no image; their image embedding is zeros.

    Raises:
        ConfigError: ``batch_size`` is below 1.
    """

    def __init__(
        self,
        text: np.ndarray | StoredRows,
        image: np.ndarray | StoredRows | None,
        blendshapes: np.ndarray | StoredRows,
        emotions: np.ndarray | StoredRows,
        pairs: np.ndarray,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        exchange: Exchange | None = None,
        gather_bytes: int = GATHER_BYTES,
        dealing: Dealing | None = None,
    ) -> None:
        import torch

        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size} must be at least 1")
        self.batch_size, self.shuffle, self.seed, self.epoch = batch_size, shuffle, seed, 0
        self.n_pairs = len(pairs)
        self.dealing = dealing or Dealing()
        pairs, self._other = with_others(pairs, exchange)
        self._share = exchange.share if exchange else 0.0
        rows = torch.as_tensor(np.ascontiguousarray(pairs, dtype=np.int64)).reshape(-1, 2)
        self._rows = {"text": rows[:, 0].contiguous(), "face": rows[:, 1].contiguous()}
        self._columns: dict[str, tuple[Column, str]] = {
            "text": (_column(text), "text"),
            "blendshapes": (_column(blendshapes), "face"),
            "emotions": (_column(emotions), "text"),
        }
        if image is not None:
            self._add_image(_column(image))
        row_bytes = sum(c[:1].nbytes for c, _ in self._columns.values())
        has_image = self._columns.get("has_image")
        self._pictured = None if has_image is None else has_image[0].index_select(0, self._rows["face"])
        self._gathered = None
        if row_bytes * len(rows) <= gather_bytes:
            self._gathered = {name: _pick(c, self._rows[kind]) for name, (c, kind) in self._columns.items()}
            self._columns = {}

    def _add_image(self, image: Column) -> None:
        import torch

        if isinstance(image, StoredRows):
            present = torch.from_numpy(image.present)
        else:
            present = image.isfinite().all(dim=1)
        if not present.index_select(0, self._rows["face"]).all():
            self._columns["has_image"] = (present, "face")
            image = image if isinstance(image, StoredRows) else image.nan_to_num(0.0)
        self._columns["image"] = (image, "face")

    def __len__(self) -> int:
        return -(-self.n_pairs // self.batch_size)

    def whole(self) -> EmbeddingBatch:
        """Every pair in one batch, in their own order."""
        return self._batch(slice(0, self.n_pairs))

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; every pass moves on to the next epoch by itself."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[EmbeddingBatch]:
        order = self._order()
        self.epoch += 1
        starts = range(0, self.n_pairs, self.batch_size)
        sizes = [min(self.batch_size, self.n_pairs - start) for start in starts]
        shares = self._shares(order, sizes) if self.dealing.parts > 1 else None
        for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            own = self.dealing.rows(size)
            rows = slice(start + own.start, start + own.stop)
            batch = self._batch(rows if order is None else order[rows])
            yield batch if shares is None else {**batch, "share": shares[number]}

    def _shares(self, order: torch.Tensor | None, sizes: list[int]) -> list[StepShare]:
        if self._pictured is None:
            return self.dealing.shares(sizes)
        pictured = self._pictured[: self.n_pairs] if order is None else self._pictured[order]
        return self.dealing.shares(sizes, [part.numpy() for part in pictured.split(self.batch_size)])

    def _order(self) -> torch.Tensor | None:
        import torch

        if not self.shuffle:
            return None
        seed = int(
            np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1)
        )
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(self.n_pairs, generator=generator)
        if self._other is None:
            return order
        drawn = torch.rand(self.n_pairs, generator=generator).numpy()
        return torch.from_numpy(exchanged(order.numpy(), self._other, drawn < self._share))

    def _batch(self, rows: slice | torch.Tensor) -> EmbeddingBatch:
        if self._gathered is None:
            picked = {kind: index[rows] for kind, index in self._rows.items()}
            return {name: _pick(c, picked[kind]) for name, (c, kind) in self._columns.items()}  # type: ignore[return-value]
        if isinstance(rows, slice):
            return {name: t[rows] for name, t in self._gathered.items()}  # type: ignore[return-value]
        return {name: t.index_select(0, rows) for name, t in self._gathered.items()}  # type: ignore[return-value]


def _column(rows: np.ndarray | StoredRows) -> Column:
    import torch

    if isinstance(rows, StoredRows):
        return rows
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))


def _pick(column: Column, rows: torch.Tensor) -> torch.Tensor:
    import torch

    if isinstance(column, StoredRows):
        return torch.from_numpy(column[rows.numpy()])
    return column.index_select(0, rows)
