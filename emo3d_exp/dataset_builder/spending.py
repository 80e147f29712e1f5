"""What stages that pay have spent, on disk, and what they may spend."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from emo3d_exp.dataset_builder.sending import NoAnswerError
from emo3d_exp.dataset_builder.stage import Stage
from emo3d_exp.errors import ConfigError, DataError, StoppedError

_LOCK_SECONDS = 60.0
# Written ahead and not forced to the disk each time: safe when a process dies, and much faster. (Who
# loses power may lose the last entries, but not the file.)
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS spending (
    purpose TEXT PRIMARY KEY, calls INTEGER NOT NULL, cost REAL NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS under_way (number INTEGER PRIMARY KEY, purpose TEXT NOT NULL, cost REAL NOT NULL);
"""


def purpose_of(stage: Stage) -> str:
    """16 hex digits of what spending is counted for: a stage with its parameters, in one build (the rows that
    were begun there), over all runs. A stage that runs in no build is told by its parameters alone."""
    facts = [stage.name, stage.parameters(), *([stage.begun] if stage.begun else [])]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def check_limits(stage: str, max_cost: float | None, max_calls: int | None) -> None:
    """Raise ConfigError for limits that cannot be."""
    if (max_cost is not None and max_cost < 0) or (max_calls is not None and max_calls < 0):
        raise ConfigError(f"{stage}: max_cost and max_calls must not be negative; null is no limit")


@dataclass(frozen=True)
class Call:
    """One request that may be sent: what it is for, and at most so many US dollars."""

    number: int
    purpose: str
    at_most: float


class Ledger:
    """A SQLite file of what was spent.

    Every request is written down before it is sent, at the most that it may cost, and corrected when it has
    ended: one that was under way when its process was killed stays as it was written down, since nobody knows
    what became of it. Several processes of one machine may share the file. (It must lie on a local disk:
    SQLite's locks do not hold over a network.)
    """

    tables = _TABLES

    def __init__(self, file: Path) -> None:
        """
        Raises:
            DataError: the file cannot be made, or is none of these.
        """
        self.file = file
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.file, timeout=_LOCK_SECONDS)
            self._db.executescript(self.tables)
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"{self.file} cannot be used to keep what was paid for ({error}): choose another folder with "
                "cache=…"
            ) from error

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def reserve(self, purpose: str, at_most: float) -> Call:
        """Write down a request that is about to be sent."""
        with self._changes():
            number = self._db.execute(
                "INSERT INTO under_way VALUES (NULL, ?, ?)", (purpose, at_most)
            ).lastrowid
        return Call(number or 0, purpose, at_most)

    def release(self, call: Call) -> None:
        """Forget a request that was not sent after all."""
        with self._changes():
            self._db.execute("DELETE FROM under_way WHERE number = ?", (call.number,))

    def settle(self, call: Call, cost: float, tokens: tuple[int, int] = (0, 0)) -> None:
        """Write down what a request has cost; only the first time counts."""
        with self._changes():
            self._settle(call, cost, tokens)

    def _settle(self, call: Call, cost: float, tokens: tuple[int, int]) -> None:
        if self._db.execute("DELETE FROM under_way WHERE number = ?", (call.number,)).rowcount:
            self._db.execute(
                "INSERT INTO spending VALUES (?, 1, ?, ?, ?) ON CONFLICT (purpose) DO UPDATE SET "
                "calls = calls + 1, cost = cost + excluded.cost, tokens_in = tokens_in + excluded.tokens_in, "
                "tokens_out = tokens_out + excluded.tokens_out",
                (call.purpose, cost, *tokens),
            )

    def spent(self, purpose: str) -> tuple[int, float]:
        """Requests that were sent for this purpose, in all runs, and US dollars; those under way at the most
        that they may cost."""
        sent = self._found("SELECT calls, cost FROM spending WHERE purpose = ?", (purpose,)) or (0, 0.0)
        open_ = self._found("SELECT COUNT(*), TOTAL(cost) FROM under_way WHERE purpose = ?", (purpose,))
        return sent[0] + open_[0], sent[1] + open_[1]

    def _found(self, query: str, values: tuple[Any, ...]) -> Any:
        with self._told():
            return self._db.execute(query, values).fetchone()

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """All of them, or none."""
        with self._told(), self._db:
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DataError(
                f"{self.file} cannot be read or written any more ({error}). What it holds is kept: see to it "
                "and run the same command again to go on"
            ) from error


@dataclass
class Budget:
    """Lets a request be sent only if the limits hold even when it, and all that are under way, cost what they
    may.

    Attributes:
        ledger: knows what was spent. purpose: for what.
        max_cost: US dollars, max_calls: requests sent, each attempt counted, in all runs together; None for
            no limit.
    """

    ledger: Ledger
    purpose: str
    max_cost: float | None
    max_calls: int | None
    _under_way: int = 0
    _ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def one_call(self, at_most: float) -> AsyncIterator[Call]:
        """Around a request that costs at most so many US dollars; waits while those under way may need the
        rest. What it has cost is settled inside; one that ends in NoAnswerError or ConfigError without that
        has cost nothing, and any other error leaves it as it was reserved.

        Raises:
            StoppedError: there is too little left.
        """
        async with self._ended:
            while (limit := self._exceeded(at_most)) and self._under_way:
                await self._ended.wait()
            if limit:
                calls, cost = self.ledger.spent(self.purpose)
                raise StoppedError(
                    f"{limit} is reached: {calls} calls for ${cost:.4f} were made so far. Every answer is "
                    "kept: raise the limit and run the same command again to go on"
                )
            call = self.ledger.reserve(self.purpose, at_most)
            self._under_way += 1
        try:
            yield call
        except (NoAnswerError, ConfigError):
            self.ledger.settle(call, 0.0)
            raise
        finally:
            async with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    def _exceeded(self, at_most: float) -> str | None:
        """The limit that one more request may break."""
        if self.max_cost is None and self.max_calls is None:
            return None
        calls, cost = self.ledger.spent(self.purpose)
        if self.max_calls is not None and calls + 1 > self.max_calls:
            return f"max_calls={self.max_calls}"
        # A rounding error of the sum must not cost the last answer.
        if self.max_cost is not None and cost + at_most > self.max_cost + 1e-9:
            return f"max_cost={self.max_cost:g}"
        return None
