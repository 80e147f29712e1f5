"""A worker thread that does the newest thing it was asked for, and only that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
log = logging.getLogger(__name__)


class VisitorLeft(Exception):
    """The browser has gone: nobody waits for the rest of the work."""


class Latest(Generic[Item]):
    """Calls ``work(item)`` in one thread of its own; an item that a newer one overtakes is never worked on.

    Args:
        work: may take its time. :class:`VisitorLeft` ends the thread; any other error goes to ``failed``.
        quiet: seconds without a newer item before work starts, so that typing does not cost a call a key.
        name: of the thread.
        failed: called with what went wrong; the worker goes on. None: it is logged.
    """

    def __init__(
        self,
        work: Callable[[Item], None],
        quiet: float = 0.0,
        name: str = "latest",
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        self._work, self._quiet, self._failed = work, quiet, failed or self._log
        self._waiting: list[Item] = []
        self._put_at = 0.0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Ask for ``item``; whatever waits is dropped. Without effect after :meth:`close`."""
        with self._changed:
            self._waiting = [item]
            self._put_at = time.monotonic()
            self._changed.notify_all()

    def newer(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds; True as soon as something newer waits or the worker is closed."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._waiting) or self._closed, timeout)

    def close(self, wait: float = 0.0) -> None:
        """Drop what waits and end the thread after the work at hand; wait for it so many seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if wait and self._thread is not threading.current_thread():
            self._thread.join(wait)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._work(item[0])
            except VisitorLeft:
                return
            except Exception as error:
                self._failed(error)

    def _log(self, error: Exception) -> None:
        log.error("%s failed; the page goes on", self._thread.name, exc_info=error)

    def _next(self) -> tuple[Item] | None:
        """The newest item after a quiet while; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed)
            while not self._closed and (rest := self._put_at + self._quiet - time.monotonic()) > 0:
                self._changed.wait(rest)
            return None if self._closed else (self._waiting.pop(),)
