"""data=table: our own table, as ``build_data.py`` writes it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from emo3d_exp.data.built_rows import checked_row
from emo3d_exp.data.gathering import gather
from emo3d_exp.data.problems import Problem, settle
from emo3d_exp.data.table import Row
from emo3d_exp.data.table_schema import ASSEMBLED, NEEDED
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import EMOTIONS

log = logging.getLogger(__name__)


def load_table(path: Path | str, on_bad_rows: str = "refuse", name: str = "table") -> Corpus:
    """Read a table in the builder's format.

    Args:
        path: folder of a build (with ``assemble/*.parquet``), or one parquet file of that format.
        on_bad_rows: ``"refuse"`` the table, or ``"skip"`` its bad rows with a logged summary.
        name: of the corpus.

    Returns:
        The corpus, without the samples that were set aside. A face that was not found keeps its picture with
        a row of NaN; one that has neither is left out.

    Raises:
        DataError: no table, or bad rows: all of them, with file, row, column and reason.
    """
    files, build = table_files(path)
    problems: list[Problem] = []
    rows: dict[int, Row] = {}
    total = aside = 0
    for file, number, cells in table_rows(files):
        total += 1
        if cells.get("set_aside") is not None:
            aside += 1
        elif (row := checked_row(file.name, number, cells, problems)) is not None:
            _add(rows, row, problems)
    settle(problems, on_bad_rows, total, name)
    if aside:
        log.info("%d of %d samples under %s were set aside when it was built", aside, total, path)
    if not rows:
        raise DataError(f"{path} has no usable row ({total} rows, {aside} of them set aside)")
    ordered = [rows[sample] for sample in sorted(rows)]
    return gather(name, ordered, _images(ordered, build))


def _add(rows: dict[int, Row], row: Row, problems: list[Problem]) -> None:
    first = rows.setdefault(row.sample_id, row)
    if first is not row:
        reason = f"the sample stands in {first.file}, row {first.number} too"
        problems.append(Problem(row.file, row.number, "sample_id", reason, row.sample_id))


def table_files(path: Path | str) -> tuple[list[Path], Path]:
    """The parquet files of a table, and the folder that its locations are relative to.

    Raises:
        DataError: there is none.
    """
    place = Path(path).expanduser().resolve()
    if place.is_file() and place.suffix == ".parquet":
        return [place], place.parents[1] if place.parent.name == ASSEMBLED else place.parent
    folder = place / ASSEMBLED
    files = sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))
    if not files:
        raise DataError(
            f"data.path={path} holds no table: expected a folder with {ASSEMBLED}/*.parquet, as "
            f"build_data.py out={path} makes it, or one .parquet file of that format"
        )
    return files, place


def table_rows(files: list[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Every row with its file and its number in it, from 1.

    Raises:
        DataError: a file is damaged, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        try:
            parquet = pq.ParquetFile(file)
            _check_columns(file, parquet.schema_arrow.names)
            number = 0
            for batch in parquet.iter_batches(4096):
                for cells in batch.to_pylist():
                    number += 1
                    yield file, number, cells
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise DataError(f"{file} is damaged ({error}); build it again") from error


def is_exact(files: list[Path]) -> bool:
    """The table's numbers are in double precision, as its source printed them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return all(pq.read_schema(file).field(EMOTIONS[0]).type == pa.float64() for file in files)


def _check_columns(file: Path, names: list[str]) -> None:
    absent = [column for column in NEEDED if column not in names]
    if absent:
        raise DataError(
            f"{file} is no table of build_data.py: it lacks the columns {', '.join(absent)}. A table in the "
            "published layout is read with data=emo3d data.root=…, the offline one with data=mini"
        )


def face_reasons(path: Path | str) -> dict[str, int]:
    """Why faces of a table have no scores, the most frequent reason first. Raises as :func:`load_table`."""
    counts: Counter[str] = Counter()
    for _, _, cells in table_rows(table_files(path)[0]):
        for face in cells["faces"] or ():
            if cells.get("set_aside") is None and face.get("blendshapes") is None:
                counts[str(face.get("reason") or "no reason is given")] += 1
    return dict(counts.most_common())


def with_picture(ref: ImageRef | None, build: Path) -> ImageRef | None:
    """The reference with its full path; None where there is none, or the file that holds it is not there."""
    if ref is None:
        return None
    container, mark, inside = ref.location.partition("!")
    place = build / container
    return ImageRef(f"{place}{mark}{inside}", ref.key) if _is_file(str(place)) else None


@lru_cache(maxsize=1024)
def _is_file(place: str) -> bool:
    return Path(place).is_file()


def forget_pictures() -> None:
    """Let :func:`with_picture` look again for files of pictures, which may have come or gone."""
    _is_file.cache_clear()


def _images(rows: list[Row], build: Path) -> list[ImageRef | None]:
    """References of all faces' pictures; None where the file that holds one is not there."""
    forget_pictures()
    refs: list[ImageRef | None] = [face[1] for row in rows for face in row.faces]  # type: ignore[misc]
    found = [with_picture(ref, build) for ref in refs]
    lost = [ref for ref, there in zip(refs, found, strict=True) if ref is not None and there is None]
    if lost:
        log.warning(
            "%d of %d pictures are not there, such as %s; their faces stay without picture",
            len(lost), sum(ref is not None for ref in refs), lost[0].location,
        )  # fmt: skip
    return found


class TableData:
    """The ``data=table`` choice; see :func:`load_table` for the settings.

    Args:
        streaming: leave the columns in files of the cache, see :func:`~emo3d_exp.data.open_table`.
    """

    name = "table"

    def __init__(self, path: str | None = None, on_bad_rows: str = "refuse", streaming: bool = False) -> None:
        self.path = path
        self.on_bad_rows = on_bad_rows
        self.streaming = streaming

    def load(self) -> Corpus:
        """The corpus, read anew; where streaming, the files of an unchanged table are used again.

        Raises:
            DataError: no path was given, or as :func:`load_table`.
        """
        if self.path is None:
            raise DataError(
                "data=table needs data.path=FOLDER, the folder that build_data.py out=FOLDER made, or one of "
                "its tables"
            )
        if self.streaming:
            from emo3d_exp.data.mapped_table import open_table

            return open_table(self.path, self.on_bad_rows, self.name)
        return load_table(self.path, self.on_bad_rows, self.name)
