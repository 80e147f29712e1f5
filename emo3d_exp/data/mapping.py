"""One pass over our table that checks every row and writes the good ones as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.data.built_rows import checked_row
from emo3d_exp.data.built_table import forget_pictures, table_files, table_rows, with_picture
from emo3d_exp.data.gathering import gather
from emo3d_exp.data.mapped_columns import Columns, ColumnWriter
from emo3d_exp.data.mapped_corpus import MappedCorpus
from emo3d_exp.data.problems import Problem, settle
from emo3d_exp.data.table import Row
from emo3d_exp.errors import DataError
from emo3d_exp.records import ImageRef

ROWS = 4096
MOST_PROBLEMS = 100_000
"""From so many on a table that is to be refused is refused without reading on."""
MOST_CONTAINERS = 1000
"""Files of pictures of which it is remembered whether they are there."""


class TablePass:
    """Reads a table's files in order.

    Args:
        path, on_bad_rows, name: see ``load_table``.

    Raises:
        DataError: there is no table, or a file is damaged.
    """

    def __init__(self, path: Path | str, on_bad_rows: str, name: str) -> None:
        self.path, self.on_bad_rows, self.name = path, on_bad_rows, name
        self.files, self.build = table_files(path)
        self.total = sum(_row_count(file) for file in self.files)
        self.rows = self.aside = self.pictures = self.lost = 0
        self.first_lost = ""
        self.containers: dict[str, bool] = {}
        self.problems: list[Problem] = []
        self._samples = self._bytes = 0

    def bytes_expected(self) -> int:
        """Of all columns, judged by those of the rows so far."""
        return self._bytes * self.total // max(self.rows, 1)

    def write(self, folder: Path, advance: Callable[[int], None]) -> dict[str, Any]:
        """Write the columns and say what there is to know about them.

        Raises:
            DataError: as ``load_table``. OSError: of writing.
        """
        forget_pictures()
        columns = ColumnWriter(folder)
        try:
            good = self._good_rows(advance)
            while places := list(islice(good, ROWS)):
                self._append(columns, places)
                self._bytes = columns.bytes
            columns.flush()
            order = self._order(Columns(folder))
            columns.append("order", order)
            sizes = columns.finish()
        finally:
            columns.abandon()
        return {
            "rows": self.rows,
            "aside": self.aside,
            "bad_rows": len({(problem.file, problem.row) for problem in self.problems}),
            "lost": [self.lost, self.pictures, self.first_lost] if self.lost else None,
            "containers": self.containers,
            "fingerprint": self._fingerprint(Columns(folder), order),
            "sizes": sizes,
        }

    def _good_rows(self, advance: Callable[[int], None]) -> Iterator[tuple[int, Row]]:
        number_of = {file: number for number, file in enumerate(self.files)}
        for file, number, cells in table_rows(self.files):
            self.rows += 1
            if cells.get("set_aside") is not None:
                self.aside += 1
            elif (row := checked_row(file.name, number, cells, self.problems)) is not None:
                yield number_of[file], row
            if self.rows % ROWS == 0:
                advance(ROWS)
                if self.on_bad_rows == "refuse" and len(self.problems) >= MOST_PROBLEMS:
                    settle(self.problems, self.on_bad_rows, self.rows, self.name)

    def _append(self, columns: ColumnWriter, places: list[tuple[int, Row]]) -> None:
        rows = [row for _, row in places]
        corpus = gather(self.name, rows, [self._picture(face[1]) for row in rows for face in row.faces])
        columns.append("file", np.array([file for file, _ in places]))
        columns.append("row", np.array([row.number for row in rows]))
        for name in ("sample_id", "emotions", "published_split", "text_number", "blendshapes", "face_number"):
            columns.append(name, getattr(corpus, name))
        columns.append("text_sample", corpus.text_sample + self._samples)
        columns.append("face_sample", corpus.face_sample + self._samples)
        columns.append("scored", corpus.has_blendshapes)
        columns.append("pictured", corpus.has_image)
        columns.append_texts("text", corpus.text)
        columns.append_texts("location", ["" if ref is None else ref.location for ref in corpus.image])
        columns.append_texts("key", ["" if ref is None else ref.key for ref in corpus.image])
        self._samples += len(rows)

    def _picture(self, ref: Any) -> ImageRef | None:
        found = with_picture(ref, self.build)
        if ref is not None:
            self.pictures += 1
            if found is None:
                self.first_lost = self.first_lost or ref.location
                self.lost += 1
            if len(self.containers) < MOST_CONTAINERS:
                self.containers[str(self.build / ref.location.partition("!")[0])] = found is not None
        return found

    def _order(self, columns: Columns) -> np.ndarray:
        """Rows of samples by ascending id, the first of each; empty where they stand so. Settles problems."""
        ids = columns.numbers("sample_id")
        order = np.argsort(ids, kind="stable")
        again = np.zeros(len(ids), dtype=bool)
        again[1:] = ids[order[1:]] == ids[order[:-1]]
        self._report_again(columns, ids, order, again)
        settle(self.problems, self.on_bad_rows, self.rows, self.name)
        if not len(ids):
            raise DataError(
                f"{self.build} has no usable row ({self.rows} rows, {self.aside} of them set aside)"
            )
        return order[~again] if again.any() or (np.diff(order) < 0).any() else order[:0]

    def _report_again(self, columns: Columns, ids: np.ndarray, order: np.ndarray, again: np.ndarray) -> None:
        if not again.any():
            return
        file, row = columns.numbers("file"), columns.numbers("row")
        # of each place, the place of the first sample with its id
        first = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(ids))))]
        for place, known in zip(order[again].tolist(), first[again].tolist(), strict=True):
            reason = f"the sample stands in {self.files[file[known]].name}, row {row[known]} too"
            name, number = self.files[file[place]].name, int(row[place])
            self.problems.append(Problem(name, number, "sample_id", reason, int(ids[place])))
        files = {file.name: number for number, file in enumerate(self.files)}
        self.problems.sort(key=lambda problem: (files[problem.file], problem.row))

    def _fingerprint(self, columns: Columns, order: np.ndarray) -> str:
        whole = MappedCorpus(self.name, columns)
        return (whole.select(order) if len(order) else whole).fingerprint()


def _row_count(file: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(file).num_rows
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} is damaged ({error}); build it again") from error
