"""Texts as tokens, for language models that are trained along with the head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.backbones import StoredRows
from emo3d_exp.data.dealing import Dealing
from emo3d_exp.data.exchanging import exchanged, with_others
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import Exchange, TokenBatch

if TYPE_CHECKING:
    from emo3d_exp.backbones.tokens import TokenRows

POOL = 16
"""Batches of similar length are made out of so many batches' worth of pairs that stand together by chance."""


class TokenBatches:
    """Batches of (text, face) pairs, texts as tokens.

    Texts of similar length share a batch, so that little is spent on padding. Shuffled, each run of 16
    batches' worth of pairs in random order is sorted by length and cut, and then all batches are put into
    random order: seed and epoch alone decide both. Otherwise the longest come first.

    Args:
        tokens: T texts.
        blendshapes: (F, 52). emotions: (T, 8) intensities, of the sample that each text belongs to. Arrays,
            or rows in files, where they stay.
        pairs: (P, 2) rows of ``tokens`` and of ``blendshapes``.
        batch_size: pairs a batch; one batch may be smaller.
        shuffle: a new order each epoch.
        exchange: texts that are read in another form now and then, where shuffled.
        dealing: this process's part of each batch; None: all of it.

    Iterating yields ``TokenBatch`` dicts.

    Raises:
        ConfigError: ``batch_size`` is below 1.
    """

    def __init__(
        self,
        tokens: TokenRows,
        blendshapes: np.ndarray | StoredRows,
        emotions: np.ndarray | StoredRows,
        pairs: np.ndarray,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        exchange: Exchange | None = None,
        dealing: Dealing | None = None,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size} must be at least 1")
        self.batch_size, self.shuffle, self.seed, self.epoch = batch_size, shuffle, seed, 0
        self.dealing = dealing or Dealing()
        self._tokens = tokens
        self.n_pairs = len(pairs)
        pairs, self._other = with_others(pairs, exchange)
        self._share = exchange.share if exchange else 0.0
        self._text, self._face = pairs.T
        self._lengths = tokens.lengths[self._text]
        self._blendshapes, self._emotions = (
            column if isinstance(column, StoredRows) else np.ascontiguousarray(column, dtype=np.float32)
            for column in (blendshapes, emotions)
        )

    def __len__(self) -> int:
        return -(-self.n_pairs // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; every pass moves on to the next epoch by itself."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[TokenBatch]:
        batches = self._batches()
        self.epoch += 1
        if self.dealing.parts == 1:
            yield from map(self._batch, batches)
            return
        for pairs, share in zip(batches, self.dealing.shares([len(b) for b in batches]), strict=True):
            # as long as the longest text of all processes, so that each computes what one would
            own, batch = self.dealing.rows(len(pairs)), self._batch(pairs)
            tokens = {name: values[own] for name, values in batch.pop("tokens").items()}
            rest = {name: values[own] for name, values in batch.items()}
            yield {"tokens": tokens, **rest, "share": share}  # type: ignore[typeddict-item]

    def _batches(self) -> list[np.ndarray]:
        if not self.shuffle:
            return self._cut(self._by_length(np.arange(self.n_pairs)), self.batch_size)
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(self.n_pairs)
        if self._other is not None:
            order = exchanged(order, self._other, rng.random(self.n_pairs) < self._share)
        runs = self._cut(order, POOL * self.batch_size)
        batches = [batch for run in runs for batch in self._cut(self._by_length(run), self.batch_size)]
        return [batches[number] for number in rng.permutation(len(batches))]

    def _by_length(self, pairs: np.ndarray) -> np.ndarray:
        return pairs[np.argsort(-self._lengths[pairs], kind="stable")]

    @staticmethod
    def _cut(pairs: np.ndarray, size: int) -> list[np.ndarray]:
        return [pairs[start : start + size] for start in range(0, len(pairs), size)]

    def _batch(self, pairs: np.ndarray) -> TokenBatch:
        import torch

        text, face = self._text[pairs], self._face[pairs]
        return {
            "tokens": self._tokens.batch(text),
            "blendshapes": torch.from_numpy(self._blendshapes[face]),
            "emotions": torch.from_numpy(self._emotions[text]),
        }
