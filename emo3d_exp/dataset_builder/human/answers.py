"""Reads what people answered; anything missing, doubled or unknown is refused with its file and row."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from emo3d_exp.errors import DataError

Key = tuple[str, ...]
"""What identifies an item, as the file writes it."""


def read_key(path: Path | str, keys: Sequence[str], columns: Sequence[str]) -> dict[Key, dict[str, str]]:
    """Rows of the experimenter's file by key, in its order.

    Raises:
        DataError: it cannot be read, lacks a column, or has an item twice.
    """
    found: dict[Key, dict[str, str]] = {}
    for place, row in _rows(Path(path), [*keys, *columns]):
        key = tuple(row[name] for name in keys)
        if key in found:
            raise DataError(f"{place}: {_told(keys, key)} stands there twice; write the sheets again")
        found[key] = row
    return found


def read_answers(
    path: Path | str, keys: Sequence[str], column: str, known: Mapping[Key, object], allowed: Sequence[str]
) -> dict[Key, str]:
    """One annotator's answer to every known item, in the order of ``known``.

    Args:
        keys: columns that identify an item. column: the answer's. allowed: answers; their case does not
        count.

    Raises:
        DataError: an item is unknown, doubled, unanswered or absent, an answer is none of ``allowed``, a
            column is absent, or the file cannot be read.
    """
    path, found = Path(path), {}
    for place, row in _rows(path, [*keys, column]):
        key, answer = tuple(row[name] for name in keys), row[column].lower()
        if key not in known:
            raise DataError(f"{place}: {_told(keys, key)} is not among the items of the key; wrong sheet?")
        if key in found:
            raise DataError(f"{place}: {_told(keys, key)} is answered twice; remove one of the rows")
        if not answer:
            raise DataError(f"{place}: {_told(keys, key)} has no {column}; ask the annotator")
        if answer not in allowed:
            raise DataError(f"{place}: {column} {row[column]!r} is none of {', '.join(allowed)}")
        found[key] = answer
    absent = [key for key in known if key not in found]
    if absent:
        raise DataError(
            f"{path}: {len(absent)} of {len(known)} items have no row, the first is {_told(keys, absent[0])}"
        )
    return {key: found[key] for key in known}


def annotator_names(paths: Sequence[Path | str]) -> list[str]:
    """File names without ending, made distinct by a number.

    Raises:
        DataError: one file was given twice.
    """
    resolved = [Path(path).resolve() for path in paths]
    if len(set(resolved)) < len(resolved):
        raise DataError(f"the answers {', '.join(map(str, paths))} name a file twice")
    names = [Path(path).stem for path in paths]
    return [
        name if names.count(name) == 1 else f"{name} {names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]


def _rows(path: Path, needed: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """(file and row, counted as a spreadsheet does, and stripped cells); empty rows are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.readline()
            file.seek(0)
            # Spreadsheets of some countries save with semicolons.
            lines = list(csv.reader(file, delimiter=";" if sample.count(";") > sample.count(",") else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}; save it as CSV in UTF-8") from error
    heading = [cell.strip() for cell in lines[0]] if lines else []
    absent = [name for name in needed if name not in heading]
    if absent:
        raise DataError(
            f"{path}, row 1: the column {', '.join(absent)} is missing; it has {', '.join(heading)}"
        )
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in cells):
            if len(cells) < len(heading):
                raise DataError(f"{path}, row {number}: {len(cells)} cells, the heading has {len(heading)}")
            row = {name: cell.strip() for name, cell in zip(heading, cells, strict=False)}
            rows.append((f"{path}, row {number}", row))
    return rows


def _told(keys: Sequence[str], key: Key) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))
