"""Texts as numbers, ready to be cut into batches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class TokenRows:
    """Token ids of N texts, equal texts kept once, in one flat array.

    Args:
        distinct: token ids of each distinct text, at least one each.
        row: (N,) which of ``distinct`` each text is.
        pad: id that fills up a batch. pad_left: fill up before the text rather than after it.
    """

    def __init__(self, distinct: Sequence[Sequence[int]], row: np.ndarray, pad: int, pad_left: bool = False):
        self.row = np.asarray(row, dtype=np.int64)
        self.pad, self.pad_left = pad, pad_left
        self._lengths = np.array([len(ids) for ids in distinct], dtype=np.int64)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._ids = np.fromiter(chain.from_iterable(distinct), dtype=np.int32, count=self._lengths.sum())

    def __len__(self) -> int:
        return len(self.row)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each text."""
        return self._lengths[self.row]

    def batch(self, texts: np.ndarray) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` (1 token, 0 padding) of some texts, by their numbers from
        0: (B, L) int64 with L the longest of them."""
        import torch

        rows = self.row[texts]
        lengths = self._lengths[rows]
        place = np.arange(lengths.max(initial=0))
        if self.pad_left:
            place = place - (len(place) - lengths)[:, None]
        mask = (place >= 0) & (place < lengths[:, None])
        at = np.where(mask, self._starts[rows][:, None] + place, 0)
        ids = np.where(mask, self._ids[at] if len(self._ids) else 0, self.pad)
        return {
            "input_ids": torch.from_numpy(ids.astype(np.int64)),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }
