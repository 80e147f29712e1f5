"""What is wrong with a table, collected so that all of it can be told at once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

from emo3d_exp.errors import ConfigError, DataError

log = logging.getLogger(__name__)

SHOWN = 50
"""Problems that a message spells out; the rest is counted by reason."""

ON_BAD_ROWS = ("refuse", "skip")


@dataclass(frozen=True)
class Problem:
    """One bad cell. ``row`` counts the rows of the file's table from 1, its header not counted."""

    file: str
    row: int
    column: str
    reason: str
    sample_id: int | None = None

    def __str__(self) -> str:
        sample = "" if self.sample_id is None else f" (sample_id {self.sample_id})"
        return f"{self.file}, row {self.row}{sample}, column {self.column}: {self.reason}"


def _listed(problems: list[Problem]) -> str:
    lines = [f"  {problem}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        rest = Counter(f"column {p.column}: {p.reason}" for p in problems[SHOWN:])
        lines.append(f"  … and {len(problems) - SHOWN} more:")
        lines += [f"  {count} × {what}" for what, count in rest.most_common(20)]
    return "\n".join(lines)


def settle(problems: list[Problem], on_bad_rows: str, total_rows: int) -> None:
    """Refuse a table with bad rows, or log what is skipped; the rows are the caller's to drop.

    Raises:
        DataError: there are problems and ``on_bad_rows`` is ``"refuse"``; every bad row stands in it.
        ConfigError: ``on_bad_rows`` is neither ``"refuse"`` nor ``"skip"``.
    """
    if on_bad_rows not in ON_BAD_ROWS:
        raise ConfigError(f"on_bad_rows={on_bad_rows!r}: choose one of {', '.join(ON_BAD_ROWS)}")
    if not problems:
        return
    bad_rows = len({(problem.file, problem.row) for problem in problems})
    summary = f"{bad_rows} of {total_rows} rows cannot be used ({len(problems)} problems)"
    if on_bad_rows == "refuse":
        raise DataError(
            f"{summary}:\n{_listed(problems)}\n"
            "Mend the table, or leave these rows out with data.on_bad_rows=skip"
        )
    log.warning("%s; they are skipped (data.on_bad_rows=skip):\n%s", summary, _listed(problems))
