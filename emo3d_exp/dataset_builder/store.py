"""Rows of one stage: parquet shards that are whole or absent, and a manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.errors import DataError
from emo3d_exp.runs import write_atomically, write_json

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BLANK = -1
"""Sample id of a row that is no longer one."""
ROWS_AT_A_TIME, BUFFER = 8, 1 << 20
"""For reading a shard in pieces: rows, and bytes of the file."""


class RowStore:
    """A folder ``<build>/<stage>`` of shards ``00000.parquet`` … that only ever grows."""

    def __init__(self, build: Path, stage: str) -> None:
        self.build = Path(build)
        self.folder = self.build / stage
        self.manifest_file = self.folder / "manifest.json"

    def shards(self) -> list[Path]:
        """Finished shards, in order. A file that a killed process left half is not among them."""
        return sorted(file for file in self.folder.glob("*.parquet") if not file.name.startswith("."))

    def sample_ids(self) -> set[int]:
        """Ids of all rows."""
        return {row["sample_id"] for row in self.rows(())}

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Every row: ``sample_id``, the given columns, ``shard`` and ``row`` that say where it lies."""
        for shard in self.shards():
            place = shard.relative_to(self.build).as_posix()
            for number, row in enumerate(_read(shard, ["sample_id", *columns]).to_pylist()):
                if row["sample_id"] >= 0:
                    yield {**row, "shard": place, "row": number}

    def append(self, block: int, rows: Sequence[Row], schema: pa.Schema) -> None:
        """Write the rows of a block as a new shard, atomically."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        file, number = self.folder / f"{block:05d}.parquet", 0
        while file.exists():
            number += 1
            file = self.folder / f"{block:05d}-{number}.parquet"
        with write_atomically(file) as partial:
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), partial)

    def columns(self) -> list[str]:
        """Names in the first shard; none where there is no row."""
        return next((_names(shard) for shard in self.shards()), [])

    def count(self, column: str) -> int:
        """Rows in which a column is not None; 0 where there is no such column."""
        columns = (_read(shard, [column])[column] for shard in self._with(column))
        return sum(len(values) - values.null_count for values in columns)

    def values(self, column: str) -> Counter[Any]:
        """How often each value of a column stands in it, without None."""
        columns = (_read(shard, [column])[column].to_pylist() for shard in self._with(column))
        return Counter(value for values in columns for value in values if value is not None)

    def total(self, column: str) -> float:
        """Sum of a column of numbers over all rows; 0 where there is no such column."""
        import pyarrow.compute as pc

        return float(sum(pc.sum(_read(shard, [column])[column]).as_py() or 0 for shard in self._with(column)))

    def noted(self, column: str) -> set[int]:
        """Ids of the rows in which a column is not None; none where there is no such column."""
        found = set()
        for shard in self._with(column):
            table = _read(shard, ["sample_id", column])
            found |= set(table.filter(table[column].is_valid())["sample_id"].to_pylist())
        return found - {BLANK}

    def blank(self, samples: Set[int]) -> None:
        """Blank the rows of these samples, shard by shard, each atomically.

        The other rows keep their places, by which pictures are found: what is blank has the sample id -1, and
        no reader sees it.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        for shard in self.shards() if samples else ():
            if samples.isdisjoint(_read(shard, ["sample_id"])["sample_id"].to_pylist()):
                continue
            table = _read(shard)
            rows = [{"sample_id": BLANK} if row["sample_id"] in samples else row for row in table.to_pylist()]
            with write_atomically(shard) as partial:
                pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), partial)

    def clear(self) -> None:
        """Remove all rows."""
        for shard in self.shards():
            shard.unlink()

    def _with(self, column: str) -> list[Path]:
        return [shard for shard in self.shards() if column in _names(shard)]

    def content_hash(self) -> str:
        """16 hex digits of the rows in the order of sample ids, however they are spread over shards; takes
        the memory of a few rows."""
        digests: dict[int, bytes] = {}
        for shard in self.shards():
            for row in stream_rows(shard):
                if row["sample_id"] < 0:
                    continue
                content = json.dumps(row, default=lambda data: hashlib.sha256(data).hexdigest())
                digests[row["sample_id"]] = hashlib.sha256(content.encode()).digest()
        return hashlib.sha256(b"".join(digests[sample] for sample in sorted(digests))).hexdigest()[:16]

    def places_hash(self) -> str:
        """16 hex digits of where the rows lie: the shards' names, and the sample ids in them, blanked too."""
        digest = hashlib.sha256()
        for shard in self.shards():
            samples = _read(shard, ["sample_id"])["sample_id"].to_pylist()
            digest.update(json.dumps([shard.name, samples]).encode())
        return digest.hexdigest()[:16]

    def shard_facts(self) -> dict[str, dict[str, int]]:
        """``rows`` (blanked ones too) and ``bytes`` of every shard, by the name of its file.

        Raises:
            DataError: a shard's footer cannot be read.
        """
        return {
            shard.name: {"rows": _footer(shard).num_rows, "bytes": shard.stat().st_size}
            for shard in self.shards()
        }

    def check_shards(self, noted: Mapping[str, Mapping[str, int]]) -> None:
        """Compare every shard with what was noted of it; contents are not read.

        Args:
            noted: as :meth:`shard_facts`; a shard that it lacks needs a footer, no more.

        Raises:
            DataError: shards are damaged; it names them.
        """
        damaged = {}
        for shard in self.shards():
            known, size = noted.get(shard.name, {}), shard.stat().st_size
            if size != known.get("bytes", size):
                damaged[shard] = f"{size} bytes, not {known['bytes']}"
                continue
            try:
                rows = _footer(shard).num_rows
            except DataError as error:
                damaged[shard] = str(error.__cause__)
                continue
            if rows != known.get("rows", rows):
                damaged[shard] = f"{rows} rows, not {known['rows']}"
        if damaged:
            raise DataError(_damaged(*next(iter(damaged.items())), [each.name for each in damaged][1:]))

    def clean(self) -> None:
        """Remove what killed processes left half; only while holding the build's lock."""
        for file in self.folder.glob(".*.partial*"):
            file.unlink(missing_ok=True)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, None where the stage was never begun.

        Raises:
            DataError: it is damaged.
        """
        if not self.manifest_file.is_file():
            return None
        try:
            return json.loads(self.manifest_file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(
                f"{self.manifest_file} is damaged; delete {self.folder} to build it again"
            ) from error

    def write_manifest(self, content: dict[str, Any]) -> None:
        """Replace the manifest."""
        write_json(self.manifest_file, content)


def stream_rows(shard: Path, columns: list[str] | None = None) -> Iterator[Row]:
    """Rows of a shard, a few at a time in memory.

    Raises:
        DataError: the shard is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard, buffer_size=BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(ROWS_AT_A_TIME, columns=columns, use_threads=False):
                yield from batch.to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(_damaged(shard, error)) from error


def _names(shard: Path) -> list[str]:
    return _footer(shard).schema.to_arrow_schema().names


def _footer(shard: Path) -> pq.FileMetaData:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(shard)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(_damaged(shard, error)) from error


def _damaged(shard: Path, error: Exception | str, others: Sequence[str] = ()) -> str:
    it = f"it, and {', '.join(others)} beside it," if others else "it"
    return f"{shard} is damaged ({error}); delete {it} and build again: only its rows are lost"


def _read(shard: Path, columns: list[str] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if any("." in column for column in columns or ()):  # a part of a nested column
            return pq.ParquetFile(shard).read(columns=columns)
        return pq.read_table(shard, columns=columns)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(_damaged(shard, error)) from error
