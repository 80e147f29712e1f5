"""The stage that finds texts which an earlier sample has too, before anything is paid for them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from emo3d_exp.data.near_copies import NearCopySearch
from emo3d_exp.dataset_builder.screening import ScreeningStage
from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.errors import ConfigError


class SetAsideCopies(ScreeningStage):
    """Sets a sample aside that has a text which an earlier sample, itself kept, has too, or nearly so.

    The verdict on a sample depends on those before it alone: samples that come later never change it.

    Args:
        set_aside_from: Jaccard similarity of two texts' words from which the later sample is set aside; None:
            only equal texts, but for spaces, capitals and small letters.
    """

    name = "copies"
    reads = {"texts": ("texts",)}  # noqa: RUF012 - typed in Stage
    shard_rows: ClassVar[int | None] = None

    def __init__(self, set_aside_from: float | None = 0.8) -> None:
        if set_aside_from is not None and not 0 < set_aside_from <= 1:
            raise ConfigError(
                f"builder.copies.set_aside_from={set_aside_from} must lie in (0, 1], or be null"
            )
        self.set_aside_from = set_aside_from

    def parameters(self) -> dict[str, Any]:
        return {"set_aside_from": self.set_aside_from}

    def process(self, rows: list[Row]) -> list[Row]:
        notes = _notes(rows, self.set_aside_from)
        return [
            {"sample_id": row["sample_id"], "set_aside": note} for row, note in zip(rows, notes, strict=True)
        ]


def _notes(rows: list[Row], threshold: float | None) -> list[str | None]:
    """Why each sample is set aside: the first of its texts that an earlier sample, itself kept, has too."""
    texts = [" ".join(text.split()).casefold() for row in rows for text in row["texts"]]
    owners = np.repeat(np.arange(len(rows)), [len(row["texts"]) for row in rows])
    numbers = [number + 1 for row in rows for number in range(len(row["texts"]))]
    firsts = _first_equal(texts, owners) if threshold is None else _first_near(texts, owners, threshold)
    notes: list[str | None] = [None] * len(rows)
    for text, first in enumerate(firsts.tolist()):
        if first >= 0 and notes[owners[text]] is None:
            what = "equals" if texts[first] == texts[text] else "is a near copy of"
            where = f"text {numbers[first]} of sample {rows[owners[first]]['sample_id']}"
            notes[owners[text]] = f"text {numbers[text]} {what} {where}"
    return notes


def _first_equal(texts: list[str], owners: np.ndarray) -> np.ndarray:
    """(T,) int64, the first text of an earlier sample that is kept which equals each one, or -1."""
    firsts = np.full(len(texts), -1)
    kept: dict[str, int] = {}
    for own in np.split(np.arange(len(texts)), np.flatnonzero(np.diff(owners)) + 1):
        firsts[own] = [kept.get(texts[text], -1) for text in own]
        if (firsts[own] < 0).all():
            for text in own.tolist():
                kept.setdefault(texts[text], text)
    return firsts


def _first_near(texts: list[str], owners: np.ndarray, threshold: float) -> np.ndarray:
    """(T,) int64, the first text of an earlier sample that is kept which each one is a near copy of, or -1.

    A text is compared with those of samples that are kept, until one is found.
    """
    firsts = np.full(len(texts), -1)
    keeps, asking = np.ones(len(texts), dtype=bool), np.ones(len(texts), dtype=bool)
    search = NearCopySearch(texts, threshold)
    for block, pairs in search.sweep(keeps, asking, lambda one, other: owners[other] < owners[one], owners):
        # Ascending: what an earlier text of the block is, is known before it counts for a later one.
        for text, earlier in pairs.tolist():
            if firsts[text] < 0 and keeps[earlier]:
                firsts[text] = earlier
                keeps[slice(*np.searchsorted(owners, [owners[text], owners[text] + 1]))] = False
                asking[text] = False
        asking[: block[-1] + 1] = False
    return firsts
