"""The last stage of a build: one table, and the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from emo3d_exp.data.near_copies import near_copy_groups
from emo3d_exp.data.splits import assign_groups
from emo3d_exp.data.table_schema import ASSEMBLED, table_schema
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    import pyarrow as pa


class AssembleTable(Stage):
    """Our table: every sample with texts, emotions, faces and split; its pictures stay where they are.

    The split is by sample, with the same shares of dominant emotions, and near copies never in two parts.

    Args:
        val, test: shares of the samples; the rest is for training.
        seed: of the split's draw.
        near_copies: Jaccard similarity of two texts' words from which their samples stay in one part.
    """

    name = ASSEMBLED
    reads = {  # noqa: RUF012 - typed in Stage
        "texts": ("texts", "prompt_type"),
        "emotions": ("emotions",),
        "images": ("images.list.element.key", "images.list.element.reason"),
        "blendshapes": ("faces",),
    }
    shard_rows: ClassVar[int | None] = None

    def __init__(
        self,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 0,
        near_copies: float = 0.6,
    ) -> None:
        if not (val > 0 and test > 0 and val + test < 1):
            raise ConfigError(f"assemble: val={val} and test={test} must be positive and sum to less than 1")
        if not 0 < near_copies <= 1:
            raise ConfigError(f"assemble: near_copies={near_copies} must lie in (0, 1]")
        self.val, self.test, self.seed = val, test, seed
        self.near_copies = near_copies

    def parameters(self) -> dict[str, Any]:
        names = ("val", "test", "seed", "near_copies")
        return {name: getattr(self, name) for name in names}

    def schema(self) -> pa.Schema:
        return table_schema()

    def process(self, rows: list[Row]) -> list[Row]:
        return [_assembled(row, split) for row, split in zip(rows, self._splits(rows), strict=True)]

    def _splits(self, rows: list[Row]) -> list[str]:
        if not rows:
            return []
        texts = [(text, owner) for owner, row in enumerate(rows) for text in row["texts"]]
        groups = near_copy_groups(
            [text for text, _ in texts], self.near_copies, [owner for _, owner in texts]
        )
        strata = self._strata(dominant(np.array([row["emotions"] for row in rows])))
        rng = np.random.default_rng(self.seed)
        return assign_groups(groups, strata, self.val, self.test, rng).tolist()

    def _strata(self, dominants: np.ndarray) -> np.ndarray:
        """The dominant emotions; those too rare to give a sample to every part are dealt together (-1)."""
        counts = np.bincount(dominants, minlength=len(EMOTIONS))
        rare = np.round(counts * min(self.val, self.test)) == 0
        return np.where(rare[dominants], -1, dominants)


def _assembled(row: Row, split: str) -> Row:
    return {
        "sample_id": row["sample_id"],
        "split": split,
        "prompt_type": row["prompt_type"],
        "texts": row["texts"],
        **dict(zip(EMOTIONS, row["emotions"], strict=True)),
        "faces": [_face(row, face) for face in row["faces"] or ()],
        "set_aside": None,
    }


def _face(row: Row, face: Row) -> Row:
    """A face with the place of its picture: the face number counts the pictures of the sample from 1."""
    place = face["face_number"] - 1
    picture = row["images"][place]
    drawn = picture["reason"] is None
    return {
        **face,
        "image_location": f"{row['images_shard']}!{row['images_row']}!{place}" if drawn else None,
        "image_key": picture["key"] if drawn else None,
    }
