"""What is wrong with a table, collected so that all of it can be told at once."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import cache_root, write_atomically

log = logging.getLogger(__name__)

SHOWN = 50
"""Problems that a message spells out; the rest is counted by reason, and a file lists all of them."""

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


def _listed(problems: list[Problem], name: str) -> str:
    lines = [f"  {problem}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        rest = Counter(f"column {p.column}: {p.reason}" for p in problems[SHOWN:])
        lines.append(f"  … and {len(problems) - SHOWN} more:")
        lines += [f"  {count} × {what}" for what, count in rest.most_common(20)]
        lines.append(_reported(problems, name))
    return "\n".join(lines)


def _reported(problems: list[Problem], name: str) -> str:
    """Write every problem to a file of the cache folder; the line that says where."""
    text = "".join(f"{problem}\n" for problem in problems)
    # Named by its content too: a message never points to the list of another table.
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    file = cache_root() / "reports" / f"{name}-bad-rows-{digest}.txt"
    try:
        with write_atomically(file) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"  (the list of all {len(problems)} could not be written: {error}; set EMO3D_CACHE)"
    return f"  all {len(problems)} problems are listed in {file}"


def settle(problems: list[Problem], on_bad_rows: str, total_rows: int, name: str = "table") -> None:
    """Refuse a table with bad rows, or log what is skipped; the rows are the caller's to drop.

    Args:
        problems: of the whole table. total_rows: good and bad. name: of the data set.

    The message spells out the first :data:`SHOWN` problems and counts the others by reason. Where there are
    others, all problems are also written to a text file under ``cache_root()/reports`` that it names.

    Raises:
        DataError: there are problems and ``on_bad_rows`` is ``"refuse"``.
        ConfigError: ``on_bad_rows`` is neither ``"refuse"`` nor ``"skip"``.
    """
    if on_bad_rows not in ON_BAD_ROWS:
        raise ConfigError(
            f"data.on_bad_rows={on_bad_rows!r} (for source=emo3d: emo3d.on_bad_rows): choose one of "
            f"{', '.join(ON_BAD_ROWS)}"
        )
    if not problems:
        return
    bad_rows = len({(problem.file, problem.row) for problem in problems})
    summary = f"{bad_rows} of {total_rows} rows cannot be used ({len(problems)} problems)"
    if on_bad_rows == "refuse":
        raise DataError(
            f"{summary}:\n{_listed(problems, name)}\n"
            "Mend the table, or leave these rows out with data.on_bad_rows=skip (for source=emo3d: "
            "emo3d.on_bad_rows=skip)"
        )
    log.warning("%s; they are skipped (on_bad_rows=skip):\n%s", summary, _listed(problems, name))
