"""Checks of a predictions table: every bad cell is found and named before anything is refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.records import Predictions
from emo3d_exp.vocab import ARKIT_NAMES, BLENDSHAPES

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("sample_id", "text_number")
COLUMNS = (*KEYS, *BLENDSHAPES)
OPTIONAL = {"text_number": 1, "_neutral": 0.0}
SPELLINGS = {
    spelling: name
    for name in COLUMNS
    for spelling in (name.lower(), re.sub(r"(left|right)$", lambda side: f"_{side[0][0]}", name.lower()))
}
"""Lower-case spelling of a column: our name."""
LEFT_OUT = {name.lower() for name in ARKIT_NAMES} - set(SPELLINGS) | {"text"}
ROUNDING = 1e-6
"""A score may leave [0, 1] by this much, as float32 does, and is clipped."""
SHOWN_PROBLEMS, SHOWN_MISSING = 200, 5
LINE = "line"
"""Name of an index that holds line numbers from 0: rows are told by them, so that blank lines count."""
LARGEST_ID, LARGEST_EXACT = 2**63, 2**53
"""Bounds of an id, and of one that stands as a float."""


NUMERIC = (str, int, float, np.integer, np.floating, Decimal, type(None))
"""What a cell that holds a number may be."""


def predictions_of(table: pd.DataFrame, source: str) -> Predictions:
    """Check a table with the columns ``sample_id``, optionally ``text_number``, and the 52 names, as
    :func:`in_our_names` reads them.

    Args:
        table: cells may be numbers or text; a missing ``text_number`` is 1, a missing ``_neutral`` 0.
        source: how messages call the file.

    Raises:
        DataError: names every missing, unknown and misspelt column, or else every bad row with its
            column and reason; rows count from 1, without a header, or are those of an index :data:`LINE`.
    """
    numbers = table.index if table.index.name == LINE else range(len(table))
    table = in_our_names(table)
    check_columns(list(table.columns), source)
    table = table.assign(**{name: value for name, value in OPTIONAL.items() if name not in table})
    if not len(table):
        raise DataError(f"{source}: the table has no rows")
    problems: list[tuple[int, str]] = []
    keys = np.stack([_integers(table[name], name, problems) for name in KEYS], axis=1)
    _find_duplicates(keys, problems, numbers)
    scores = np.stack([_scores(table[name], name, problems) for name in BLENDSHAPES], axis=1)
    refuse([(int(numbers[row]), reason) for row, reason in problems], source)
    return Predictions(keys[:, 0], keys[:, 1], scores.clip(0, 1).astype(np.float32))


def in_our_names(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns as MediaPipe spells them: case does not matter, ARKit's ``eyeBlink_L`` is
    ``eyeBlinkLeft``, and left out are ARKit's ``tongueOut``, which no rig here shows, and the ``text`` of a
    list of prompts. Other names stay."""
    kept = [at for at, name in enumerate(table.columns) if str(name).strip().lower() not in LEFT_OUT]
    found = table.iloc[:, kept]
    return found.set_axis([SPELLINGS.get(str(n).strip().lower(), n) for n in found.columns], axis=1)


def check_columns(columns: list[str], source: str) -> None:
    """Raise DataError that names every missing, doubled and unknown column, with the likely spelling."""
    required = [name for name in COLUMNS if name not in OPTIONAL]
    missing = [name for name in required if name not in columns]
    unknown = [name for name in dict.fromkeys(columns) if name not in COLUMNS]
    doubled = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    lines = [f"column {name!r} stands {columns.count(name)} times" for name in doubled]
    for name in unknown:
        meant = _close_match(str(name))
        hint = f", did you mean {meant!r}?" if meant else ": remove it"
        lines.append(f"unknown column {name!r}{hint}")
    lines += [f"column {name!r} is missing" for name in missing[:SHOWN_MISSING]]
    if len(missing) > SHOWN_MISSING:
        lines.append(f"… and {len(missing) - SHOWN_MISSING} more are missing")
    if len(columns) == 1 and ";" in str(columns[0]):
        lines = ["its columns are separated by semicolons: separate them by commas"]
    if lines:
        rule = (
            "Expected: sample_id, optionally text_number, and the 52 blendshapes (_neutral may be left out)."
        )
        raise DataError("\n  ".join([f"{source}: the columns do not fit. {rule}", *lines]))


def refuse(problems: Iterable[tuple[int, str]], source: str) -> None:
    """Raise DataError with all problems, given as (row from 0, what is wrong), in the order of the rows."""
    problems = sorted(problems, key=lambda problem: problem[0])
    if not problems:
        return
    rows = len({row for row, _ in problems})
    lines = [f"row {row + 1}, {reason}" for row, reason in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"… and {len(problems) - SHOWN_PROBLEMS} more")
    raise DataError("\n  ".join([f"{source}: {rows} bad row{'s' * (rows > 1)}, none was read", *lines]))


def _close_match(name: str) -> str | None:
    by_lower = {known.lower(): known for known in COLUMNS}
    close = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.75)
    return by_lower[close[0]] if close else None


def _numbers(column: pd.Series, name: str, problems: list[tuple[int, str]]) -> np.ndarray:
    """The column as numbers; NaN, with a problem, where a cell holds none."""
    import pandas as pd

    numbers = pd.to_numeric(_cells(column), errors="coerce")
    bad = np.flatnonzero(numbers.isna())
    problems += [(int(row), f"column {name}: {_not_a_number(column.iloc[row])}") for row in bad]
    # whole numbers stay whole: a float would round ids beyond 2**53
    whole = not len(bad) and numbers.dtype.kind in "iu" and bool((numbers < LARGEST_ID).all())
    return numbers.to_numpy(np.int64 if whole else np.float64, na_value=np.nan)


def _cells(column: pd.Series) -> pd.Series:
    """The column; as text, which is then refused, where pandas would make a number of what is none, such as
    the real part of a complex one or the nanoseconds of a date."""
    kinds = {type(cell) for cell in column} if column.dtype.kind == "O" else set()
    foreign = any(not issubclass(kind, NUMERIC) or issubclass(kind, bool) for kind in kinds)
    return column.map(str).astype(object) if foreign or column.dtype.kind in "bcmM" else column


def _not_a_number(cell: Any) -> str:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return "the cell is empty"
    if isinstance(cell, float) or str(cell).strip().lower() in ("nan", "<na>"):
        return "NaN"
    return f"not a number: {str(cell)[:40]!r}"


def _integers(column: pd.Series, name: str, problems: list[tuple[int, str]]) -> np.ndarray:
    numbers = _numbers(column, name, problems)
    lowest = 1 if name == "text_number" else -(2**62)
    with np.errstate(invalid="ignore"):
        bad = np.isfinite(numbers) & ((numbers != np.floor(numbers)) | (numbers < lowest)) | np.isinf(numbers)
        large = ~bad & (np.abs(numbers) >= (LARGEST_EXACT if column.dtype.kind == "f" else LARGEST_ID))
    wanted = "a whole number from 1" if name == "text_number" else "a whole number"
    problems += [
        (int(row), f"column {name}: {numbers[row]:g} is not {wanted}") for row in np.flatnonzero(bad)
    ]
    problems += [
        (int(row), f"column {name}: {column.iloc[row]} is too large; whole numbers end at 2^63, exact ones "
         "among decimals at 2^53") for row in np.flatnonzero(large)
    ]  # fmt: skip
    return np.where(np.isfinite(numbers) & ~bad & ~large, numbers, -1).astype(np.int64)


def _scores(column: pd.Series, name: str, problems: list[tuple[int, str]]) -> np.ndarray:
    numbers = _numbers(column, name, problems).astype(np.float64)
    bad = np.flatnonzero((numbers < -ROUNDING) | (numbers > 1 + ROUNDING))
    problems += [(int(row), f"column {name}: {numbers[row]:g} is outside [0, 1]") for row in bad]
    return numbers


def _find_duplicates(keys: np.ndarray, problems: list[tuple[int, str]], numbers: Sequence[int]) -> None:
    damaged = {row for row, _ in problems}
    first: dict[tuple[int, int], int] = {}
    for row, (sample_id, text_number) in enumerate(keys.tolist()):
        if row in damaged:
            continue
        earlier = first.setdefault((sample_id, text_number), row)
        if earlier != row:
            same = f"sample_id {sample_id}, text_number {text_number}"
            problems.append(
                (row, f"columns sample_id and text_number: {same} stands in row {numbers[earlier] + 1} too")
            )
