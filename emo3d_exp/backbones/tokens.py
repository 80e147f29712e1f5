"""Texts as numbers, ready to be cut into batches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.runs import cache_root

if TYPE_CHECKING:
    from torch import Tensor


class TokenRows:
    """Token ids of N texts, equal texts kept once, in one flat array.

    Args:
        distinct: token ids of each distinct text, at least one each; as lists, or (ids, lengths): int32 ids
            of all texts end to end, which may be in a file, and how many each text has.
        row: (N,) which of ``distinct`` each text is.
        pad: id that fills up a batch. pad_left: fill up before the text rather than after it.
    """

    def __init__(
        self,
        distinct: Sequence[Sequence[int]] | tuple[np.ndarray, np.ndarray],
        row: np.ndarray,
        pad: int,
        pad_left: bool = False,
    ) -> None:
        self.row = np.asarray(row, dtype=np.int64)
        self.pad, self.pad_left = pad, pad_left
        self._ids, self._lengths = distinct if isinstance(distinct, tuple) else end_to_end(distinct)
        self._starts = np.cumsum(self._lengths) - self._lengths

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


def end_to_end(texts: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of texts in one int32 array, and how many (N,) int64 each text has."""
    lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
    return np.fromiter(chain.from_iterable(texts), dtype=np.int32, count=lengths.sum()), lengths


def in_file(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`end_to_end` gave block by block, with the ids in a file of the cache folder that goes with
    the process.

    Raises:
        DataError: the folder cannot hold it.
    """
    folder = cache_root()
    lengths = [np.empty(0, dtype=np.int64)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            for ids, counts in blocks:
                file.write(ids.astype("<i4").tobytes())
                lengths.append(counts)
            file.flush()
            ids = np.memmap(file, "<i4", mode="r") if file.tell() else np.empty(0, np.int32)
    except OSError as error:
        raise DataError(
            f"the cache {folder} cannot hold the tokens of all texts ({error}): make room there, or choose "
            "another folder with the environment variable EMO3D_CACHE"
        ) from error
    return ids, np.concatenate(lengths)
