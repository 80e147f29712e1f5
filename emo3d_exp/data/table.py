"""The published table: its files, its columns, and one checked record a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.data.archives import safe_name
from emo3d_exp.data.intensities import checked_intensities
from emo3d_exp.data.problems import Problem
from emo3d_exp.data.vectors import is_missing, parse_blendshapes
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

SPLIT_FILES = {"train": "train_data.csv", "val": "val_data.csv", "test": "test_data.csv"}
PARQUET_FILE = "emo3d_data.parquet"
TEXT_NUMBERS = (1, 2, 3)
FACE_NUMBERS = (1, 2, 3, 4)
SCORE_COLUMNS = ("blenshape_score_{}", "blendshape_score_{}", "blendshapes_score_{}")
"""The published spelling first, then the right one."""


@dataclass
class Row:
    """One checked row. ``emotions`` and scores are float64, so that no printed digit is lost.

    ``texts``: (number, text); ``faces``: (number, image name or None, scores or None).
    """

    file: str
    number: int
    split: str
    sample_id: int = -1
    emotions: np.ndarray | None = None
    texts: list[tuple[int, str]] = field(default_factory=list)
    faces: list[tuple[int, str | None, np.ndarray | None]] = field(default_factory=list)
    prompt_type: str | None = None


def find_tables(root: Path) -> list[tuple[Path, str]]:
    """Files of the table under ``root/data`` or ``root``, each with its split (``""`` for the parquet file).

    The CSV files are preferred where they are there, since they carry the published split.

    Raises:
        DataError: there is no table, or one of the three CSV files is missing and no parquet file is there.
    """
    if not root.is_dir():
        raise DataError(f"data.root={root} (for source=emo3d: emo3d.root) is no folder")
    folders = [folder for folder in (root / "data", root) if folder.is_dir()]
    for folder in folders:
        files = [(folder / name, split) for split, name in SPLIT_FILES.items()]
        if all(file.is_file() for file, _ in files):
            return files
    for folder in folders:
        if (folder / PARQUET_FILE).is_file():
            return [(folder / PARQUET_FILE, "")]
    raise DataError(
        f"no Emo3D table under {root}: expected {', '.join(SPLIT_FILES.values())} (all three) or "
        f"{PARQUET_FILE}, in that folder or in its folder data"
    )


def read_frame(file: Path) -> pd.DataFrame:
    """The table as it stands in the file; CSV cells stay text.

    Raises:
        DataError: the file cannot be read, or lacks a column that is needed.
    """
    import pandas as pd

    try:
        if file.suffix == ".parquet":
            frame = pd.read_parquet(file)
        else:
            frame = pd.read_csv(file, dtype=str, na_filter=False)
    except (OSError, ValueError) as error:  # pandas' and pyarrow's errors are ValueErrors
        raise DataError(f"cannot read {file}: {error}") from error
    frame.columns = [str(column).strip() for column in frame.columns]
    absent = [column for column in ("sample_id", "text_1", *EMOTIONS) if column not in frame.columns]
    if absent:
        raise DataError(f"{file} lacks the columns {', '.join(absent)}; it has {', '.join(frame.columns)}")
    return frame


def checked_rows(file: Path, split: str, problems: list[Problem]) -> Iterator[Row]:
    """The good rows of a table; what is wrong with the others is added to ``problems``."""
    frame = read_frame(file)
    columns = list(frame.columns)
    for number, values in enumerate(zip(*(frame[column].tolist() for column in columns), strict=True), 1):
        reader = _RowReader(Row(file.name, number, split), dict(zip(columns, values, strict=True)))
        row = reader.read()
        if reader.problems:
            problems += reader.problems
        else:
            yield row


class _RowReader:
    def __init__(self, row: Row, cells: Mapping[str, object]) -> None:
        self.row = row
        self.cells = cells
        self.problems: list[Problem] = []

    def read(self) -> Row:
        self._read_sample_id()
        self._read_split()
        self._read_emotions()
        self._read_texts()
        if (prompt_type := self._cell("prompt_type")) is not None:
            self.row.prompt_type = str(prompt_type)
        for number in FACE_NUMBERS:
            self._read_face(number)
        return self.row

    def _report(self, column: str, reason: str) -> None:
        known = self.row.sample_id if self.row.sample_id >= 0 else None
        self.problems.append(Problem(self.row.file, self.row.number, column, reason, known))

    def _cell(self, column: str) -> object:
        """The cell's value, None where it is missing."""
        cell = self.cells.get(column)
        return None if is_missing(cell) else cell

    def _read_sample_id(self) -> None:
        cell = self._cell("sample_id")
        try:
            value = float(cell)  # type: ignore[arg-type]
            if value < 0 or value != int(value):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            self._report("sample_id", f"{cell!r} is no sample id (a whole number from 0)")
        else:
            self.row.sample_id = int(value)

    def _read_split(self) -> None:
        cell = self._cell("split")
        if self.row.split or cell is None:
            return
        if cell in SPLIT_FILES:
            self.row.split = str(cell)
        else:
            self._report("split", f"{cell!r} is none of {', '.join(SPLIT_FILES)}")

    def _read_emotions(self) -> None:
        cells = {emotion: self._cell(emotion) for emotion in EMOTIONS}
        self.row.emotions = checked_intensities(cells, self._report)

    def _read_texts(self) -> None:
        for number in TEXT_NUMBERS:
            cell = self._cell(f"text_{number}")
            if cell is not None:
                self.row.texts.append((number, str(cell)))
        if not self.row.texts:
            self._report("text_1", "no text in text_1, text_2, text_3")

    def _read_face(self, number: int) -> None:
        image, scores = self._cell(f"img_{number}"), None
        if image is not None:
            try:
                image = safe_name(str(image))
            except ValueError as error:
                self._report(f"img_{number}", str(error))
                image = None
        for column in (name.format(number) for name in SCORE_COLUMNS):
            cell = self._cell(column)
            if cell is None:
                continue
            try:
                scores = parse_blendshapes(cell, np.float64)
            except (TypeError, ValueError) as error:
                self._report(column, str(error))
            break
        if image is not None or scores is not None:
            self.row.faces.append((number, image, scores))
