"""The stage that finds texts which an earlier sample has too, before anything is paid for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from emo3d_exp.data.near_copies import near_copy_pairs
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
    numbers: dict[str, int] = {}
    texts = [
        [numbers.setdefault(" ".join(text.split()).casefold(), len(numbers)) for text in row["texts"]]
        for row in rows
    ]
    like = _neighbours(list(numbers), threshold)
    # Where a distinct text first stands in a sample that is kept: (sample's row, text's number).
    kept: dict[int, tuple[int, int]] = {}
    notes: list[str | None] = []
    for owner, own in enumerate(texts):
        notes.append(_note(rows, own, like, kept))
        if notes[-1] is None:
            for number, text in enumerate(own):
                kept.setdefault(text, (owner, number))
    return notes


def _note(
    rows: list[Row], own: Sequence[int], like: list[list[int]], kept: dict[int, tuple[int, int]]
) -> str | None:
    for number, text in enumerate(own):
        earlier = [(*kept[other], other) for other in like[text] if other in kept]
        if earlier:
            owner, place, other = min(earlier)
            what = "equals" if other == text else "is a near copy of"
            return f"text {number + 1} {what} text {place + 1} of sample {rows[owner]['sample_id']}"
    return None


def _neighbours(texts: list[str], threshold: float | None) -> list[list[int]]:
    """For each of different texts its place, and those of its near copies."""
    like = [[place] for place in range(len(texts))]
    if threshold is not None:
        for one, other in near_copy_pairs(texts, threshold).tolist():
            like[one].append(other)
            like[other].append(one)
    return like
