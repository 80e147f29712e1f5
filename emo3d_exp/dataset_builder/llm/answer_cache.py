"""Answers that were paid for, and what was spent, on disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from emo3d_exp.dataset_builder.llm.chat_model import Answer
from emo3d_exp.dataset_builder.spending import Call, Ledger
from emo3d_exp.runs import cache_root

FILE = "answers.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, ended TEXT NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, answer_id TEXT NOT NULL, cost REAL NOT NULL,
    made TEXT DEFAULT CURRENT_TIMESTAMP, guessed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS spoiled (key TEXT PRIMARY KEY, calls INTEGER NOT NULL, cost REAL NOT NULL);
CREATE TABLE IF NOT EXISTS rounds (
    purpose TEXT, sample_id INTEGER, begun INTEGER NOT NULL, retry INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (purpose, sample_id)
);
"""
_COLUMNS = "text, ended, tokens_in, tokens_out, answer_id, guessed"


class AnswerCache(Ledger):
    """A ledger with the answers, by the hash of their request.

    Each answer is committed, together with what it cost, before anything is done with it: what a killed
    process has received is not asked for again.
    """

    tables = Ledger.tables + _TABLES

    def __init__(self, folder: Path | str | None) -> None:
        """``folder`` is made if need be; None for one in the user's cache.

        Raises:
            DataError: the file cannot be made, or is none of these.
        """
        super().__init__((cache_root() / "llm" if folder is None else Path(folder).expanduser()) / FILE)
        with self._told():  # a file of an earlier version lacks columns
            for table, column in (("answers", "guessed"), ("rounds", "retry")):
                names = [known[1] for known in self._db.execute(f"PRAGMA table_info({table})")]
                if column not in names:
                    self._add(table, column)

    def _add(self, table: str, column: str) -> None:
        try:
            self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
        except sqlite3.OperationalError as error:
            if "duplicate column" not in str(error):  # another process was faster
                raise

    def find(self, key: str) -> tuple[Answer, float] | None:
        """The answer with this key and what it cost (US dollars), or None."""
        row = self._found(f"SELECT {_COLUMNS}, cost FROM answers WHERE key = ?", (key,))
        return None if row is None else (Answer(*row[:5], guessed=bool(row[5])), row[6])

    def keep(self, key: str, answer: Answer, cost: float, call: Call) -> None:
        """Commit an answer and its price."""
        used = (answer.tokens_in, answer.tokens_out)
        with self._changes():
            self._db.execute(
                f"INSERT OR IGNORE INTO answers ({_COLUMNS}, key, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (answer.text, answer.ended, *used, answer.answer_id, int(answer.guessed), key, cost),
            )
            self._settle(call, cost, used)

    def note_spoiled(self, key: str, cost: float, call: Call) -> None:
        """Commit that an answer came, and its price, which was none."""
        with self._changes():
            self._db.execute(
                "INSERT INTO spoiled VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET calls = calls + 1, "
                "cost = cost + excluded.cost",
                (key, cost),
            )
            self._settle(call, cost, (0, 0))

    def spoiled(self, key: str) -> tuple[int, float]:
        """Answers with this key that were none, and US dollars."""
        return self._found("SELECT calls, cost FROM spoiled WHERE key = ?", (key,)) or (0, 0.0)

    def rounds(self, purpose: str, sample_id: int) -> tuple[int, int]:
        """Rounds of questions that were begun for a sample, at least 1, and the last retry that asked."""
        return self._found(
            "SELECT begun, retry FROM rounds WHERE purpose = ? AND sample_id = ?", (purpose, sample_id)
        ) or (1, 0)

    def begin_round(self, purpose: str, sample_id: int, rounds: int, retry: int) -> None:
        """Remember that so many rounds were begun, and that this retry asked."""
        with self._changes():
            self._db.execute(
                "INSERT OR REPLACE INTO rounds VALUES (?, ?, ?, ?)", (purpose, sample_id, rounds, retry)
            )
