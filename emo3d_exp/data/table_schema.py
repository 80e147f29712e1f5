"""The format of our table: what the builder's stage ``assemble`` writes, and ``data=table`` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pyarrow as pa

ASSEMBLED = "assemble"
"""Folder of the table's shards in the folder of a build."""
NEEDED = ("sample_id", "split", "texts", *EMOTIONS, "faces")
"""Columns without which a file is no table of ours."""


def table_schema(exact: bool = False) -> pa.Schema:
    """One row a sample.

    ``texts``: in order, null where a number has none; ``faces``: ``image_location`` is relative to the folder
    of the build (``images/00003.parquet!17!0``: shard, row, place in its list; ``archive.zip!inner/a.jpeg``;
    a file), or absolute; ``image_name`` is the picture's name in the published layout, where the sample comes
    from there; ``blendshapes``: 52 scores in [0, 1] or null; ``yaw``, ``pitch``, ``roll``: degrees;
    ``reason``: why scores or picture are missing. ``set_aside``: null, or why the sample is not used.

    Args:
        exact: numbers in double precision, where more digits were printed than a float32 holds.
    """
    import pyarrow as pa

    number = pa.float64() if exact else pa.float32()
    face = pa.struct(
        [
            ("face_number", pa.int64()),
            ("image_location", pa.string()),
            ("image_key", pa.string()),
            ("image_name", pa.string()),
            ("blendshapes", pa.list_(number)),
            *((name, pa.float32()) for name in ("confidence", "yaw", "pitch", "roll")),
            ("reason", pa.string()),
        ]
    )
    return pa.schema(
        [
            ("sample_id", pa.int64()),
            ("split", pa.string()),
            ("prompt_type", pa.string()),
            ("texts", pa.list_(pa.string())),
            *((emotion, number) for emotion in EMOTIONS),
            ("faces", pa.list_(face)),
            ("set_aside", pa.string()),
        ]
    )
