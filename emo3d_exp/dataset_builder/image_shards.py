"""Images of a build, read where they are needed instead of carried along in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.dataset_builder.store import stream_rows
from emo3d_exp.errors import ConfigError


class ImageReadingStage(Stage):
    """A stage that reads the shards of stage ``images`` itself, a few rows at a time."""

    reads = {"images": ()}  # noqa: RUF012 - typed in Stage

    def with_column(self, rows: list[Row], column: str) -> Iterator[tuple[Row, Any]]:
        """The input rows, in order, each with what its row of stage ``images`` holds in a column.

        Raises:
            ConfigError: stage ``images`` has no such column.
            DataError: a shard is damaged.
        """
        assert self.build is not None, "run_stages sets it"
        for shard, group in groupby(rows, key=lambda row: row["images_shard"]):
            asked = iter(group)
            row = next(asked, None)
            for number, stored in enumerate(self._values(self.build / shard, column)):
                if row is not None and number == row["images_row"]:
                    yield row, stored
                    row = next(asked, None)
            assert row is None, f"{shard} has no row {row and row['images_row']}"

    def _values(self, shard: Path, column: str) -> Iterator[Any]:
        import pyarrow.parquet as pq

        if column not in pq.read_schema(shard).names:
            raise ConfigError(
                f"stage {self.name}: {shard} has no column {column}; builder/blendshapes=prior goes with "
                "builder/images=rendered, all others need builder/blendshapes=mediapipe"
            )
        return (row[column] for row in stream_rows(shard, [column]))
