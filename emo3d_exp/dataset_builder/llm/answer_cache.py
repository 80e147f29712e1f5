"""Answers that were paid for, and what was spent, on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from emo3d_exp.dataset_builder.llm.chat_model import Answer
from emo3d_exp.errors import DataError
from emo3d_exp.runs import cache_root

FILE = "answers.sqlite"
_LOCK_SECONDS = 60.0
# Written ahead and not forced to the disk each time: safe when a process dies, and much faster. (Who
# loses power may lose the last answers, but not the file.)
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, ended TEXT NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, answer_id TEXT NOT NULL, cost REAL NOT NULL,
    made TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS spending (
    purpose TEXT PRIMARY KEY, calls INTEGER NOT NULL, cost REAL NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS failures (
    purpose TEXT, sample_id INTEGER, rounds INTEGER NOT NULL, PRIMARY KEY (purpose, sample_id)
);
"""


class AnswerCache:
    """A SQLite file of answers by the hash of their request.

    Each answer is committed, together with what it cost, before anything is done with it: what a killed
    process has received is not asked for again. Several processes of one machine may share the file. (It must
    lie on a local disk: SQLite's locks do not hold over a network.)

    A *purpose* is a stage with its parameters: what it has spent is known over all its runs.
    """

    def __init__(self, folder: Path | str | None) -> None:
        """``folder`` is made if need be; None for one in the user's cache.

        Raises:
            DataError: the file cannot be made, or is none of these.
        """
        self.file = (cache_root() / "llm" if folder is None else Path(folder).expanduser()) / FILE
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.file, timeout=_LOCK_SECONDS)
            self._db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"{self.file} cannot be used to keep answers ({error}): choose another folder with cache=…"
            ) from error

    def __enter__(self) -> AnswerCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def find(self, key: str) -> tuple[Answer, float] | None:
        """The answer with this key and what it cost (US dollars), or None."""
        row = self._run(
            "SELECT text, ended, tokens_in, tokens_out, answer_id, cost FROM answers WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else (Answer(*row[:5]), row[5])

    def keep(self, key: str, answer: Answer, cost: float, purpose: str) -> None:
        """Commit an answer and its price."""
        used = (answer.tokens_in, answer.tokens_out)
        with self._told(), self._db:
            self._run(
                "INSERT OR IGNORE INTO answers (key, text, ended, tokens_in, tokens_out, answer_id, cost) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, answer.text, answer.ended, *used, answer.answer_id, cost),
            )
            self._run(
                "INSERT INTO spending VALUES (?, 1, ?, ?, ?) ON CONFLICT (purpose) DO UPDATE SET "
                "calls = calls + 1, cost = cost + excluded.cost, tokens_in = tokens_in + excluded.tokens_in, "
                "tokens_out = tokens_out + excluded.tokens_out",
                (purpose, cost, *used),
            )

    def spent(self, purpose: str) -> tuple[int, float]:
        """Answers that were paid for this purpose, in all runs, and their price in US dollars."""
        row = self._run("SELECT calls, cost FROM spending WHERE purpose = ?", (purpose,)).fetchone()
        return row or (0, 0.0)

    def rounds_failed(self, purpose: str, sample_id: int) -> int:
        """How often a sample was set aside with answers that could not be used."""
        row = self._run(
            "SELECT rounds FROM failures WHERE purpose = ? AND sample_id = ?", (purpose, sample_id)
        ).fetchone()
        return row[0] if row else 0

    def note_failure(self, purpose: str, sample_id: int, rounds: int) -> None:
        """Remember that so many rounds of questions came to nothing."""
        with self._told(), self._db:
            self._run("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (purpose, sample_id, rounds))

    def _run(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        with self._told():
            return self._db.execute(statement, values)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DataError(
                f"{self.file} cannot be read or written any more ({error}). What it holds is kept: see to it "
                "and run the same command again to go on"
            ) from error
