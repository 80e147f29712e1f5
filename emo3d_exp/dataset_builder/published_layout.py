"""Our table, written back in the layout of the published data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emo3d_exp.data.built_rows import checked_row
from emo3d_exp.data.built_table import is_exact, table_files, table_rows, with_picture
from emo3d_exp.data.problems import Problem, settle
from emo3d_exp.data.table import Row
from emo3d_exp.data.writing import given_name, shortest, write_rows
from emo3d_exp.records import ImageRef


def write_back(path: Path | str, folder: Path | str, parquet: bool = False) -> Path:
    """Write our table in the published layout: tables, and archives of pictures.

    What came from that layout gets its numbers, texts and names of pictures back as they were printed; a
    picture without a name there gets one. Samples that were set aside are left out.

    Args:
        path: as ``data.path`` of data=table.
        parquet: one parquet file in place of the three CSV files, which need a split for every sample.

    Returns:
        ``folder``, for ``data=emo3d data.root=…``.

    Raises:
        DataError: the table is bad, does not fit the layout, or a picture of it cannot be read.
    """
    files, build = table_files(path)
    problems: list[Problem] = []
    rows: list[Row] = []
    pictures: dict[str, ImageRef] = {}
    total, exact = 0, is_exact(files)
    for file, number, cells in table_rows(files):
        total += 1
        row = None
        if cells.get("set_aside") is None:
            row = checked_row(file.name, number, cells, problems)
        if row is not None:
            _name_pictures(row, cells, build, pictures)
            if not exact:
                _shorten(row)
            rows.append(row)
    settle(problems, "refuse", total, "table")
    rows.sort(key=lambda row: row.sample_id)
    return write_rows(rows, pictures, Path(folder), parquet)


def _shorten(row: Row) -> None:
    """Numbers of a float32 table, to be printed as such."""
    assert row.emotions is not None
    row.emotions = shortest(row.emotions)
    row.faces = [(n, name, None if scores is None else shortest(scores)) for n, name, scores in row.faces]


def _name_pictures(row: Row, cells: dict[str, Any], build: Path, pictures: dict[str, ImageRef]) -> None:
    """Put names in the place of the faces' references, and note which picture each stands for."""
    names = {face["face_number"]: face.get("image_name") for face in cells["faces"] or ()}
    faces: list[tuple[int, str | None, Any]] = []
    for number, ref, scores in row.faces:
        name = names[number]
        if ref is not None:
            name = name or given_name(row.sample_id, number)
            if (found := with_picture(ref, build)) is not None:  # type: ignore[arg-type]
                pictures[name] = found
        faces.append((number, name, scores))
    row.faces = faces
