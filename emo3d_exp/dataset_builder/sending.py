"""Sends many requests that are paid for: bounded, within a budget, again where one fails."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from emo3d_exp.errors import Emo3DError, StoppedError

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.spending import Budget, Call

log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE = 10
"""Questions in a row without any answer after which the endpoint is taken to be down."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds, where the server does not say how long to wait. The second attempt comes after the first pause,
and every further one after twice the last."""
LONGEST_WAIT = 120.0
"""Seconds; a server that wants more is not waited for."""
TOLD_WAIT = 10.0
"""Seconds; longer waits are logged."""


class NoAnswerError(Exception):
    """No answer that holds anything came; the message says why, in words without a secret.

    Attributes:
        again: the next attempt may succeed. pause: seconds to wait before it, as the server says.
        declined: the endpoint works, and will not answer this question.
    """

    def __init__(
        self, reason: str, again: bool = False, pause: float | None = None, declined: bool = False
    ) -> None:
        super().__init__(reason)
        self.again, self.pause, self.declined = again, pause, declined

    @property
    def waits(self) -> bool:
        """Whether another attempt is made."""
        return self.again and (self.pause is None or self.pause <= LONGEST_WAIT)

    def after(self, attempts: int) -> NoAnswerError:
        """What is told after the last of so many attempts."""
        if not self.again:
            return self
        asked = "" if self.waits else f"; it says to wait {self.pause:.0f} s, which is too long"
        return NoAnswerError(f"{self} (attempts: {attempts}{asked})", declined=self.declined)


class SpoiledAnswerError(NoAnswerError):
    """An answer came, which may be paid for, and holds nothing that can be read.

    Attributes:
        body: what came.
    """

    def __init__(self, reason: str, body: str, pause: float | None = None, again: bool = True) -> None:
        super().__init__(reason, again, pause)
        self.body = body


class Sender:
    """Attributes:
    name: of who is asked. budget: that every attempt must fit into.
    at_once: jobs. retries: attempts after the first.
    """

    def __init__(self, name: str, budget: Budget, at_once: int, retries: int) -> None:
        self.name, self.budget, self.at_once, self.retries = name, budget, at_once, retries
        self._failed_in_a_row = 0
        self._stopped: Emo3DError | None = None

    async def all(self, jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Results in order, so many jobs at a time.

        Raises:
            Emo3DError: the first that a job raised. No job was begun after it, and those under way were
                waited for.
        """
        free = asyncio.Semaphore(self.at_once)
        results = await asyncio.gather(*(self._settled(free, job) for job in jobs))
        if self._stopped is not None:
            raise self._stopped
        return [result for result in results if result is not None]

    async def _settled(self, free: asyncio.Semaphore, job: Callable[[], Awaitable[T]]) -> T | None:
        """None once sending has stopped."""
        async with free:
            if self._stopped is not None:
                return None
            try:
                return await job()
            except Emo3DError as error:
                self._stopped = self._stopped or error
                return None

    async def answered(self, send: Callable[[Call], Awaitable[T]], at_most: float) -> T:
        """What ``send`` returns. It is tried again, with growing pauses, where it raises a NoAnswerError that
        says so; every attempt is a call of the budget, at most so many US dollars.

        Raises:
            NoAnswerError: after the last attempt.
            StoppedError: the budget does not reach, or the endpoint is down.
        """
        for attempt in range(self.retries + 1):
            try:
                answer = await self._attempt(send, at_most)
            except NoAnswerError as error:
                if error.waits and attempt < self.retries:
                    await self._wait(pause(attempt, error.pause))
                    continue
                told = error.after(attempt + 1)
                self._count_failure(told)
                raise told from error
            self._failed_in_a_row = 0
            return answer
        raise AssertionError("the last attempt returns or raises")

    async def _wait(self, seconds: float) -> None:
        if seconds > TOLD_WAIT:
            log.warning("%s says to wait %.0f s before the next attempt", self.name, seconds)
        await asyncio.sleep(seconds)

    async def _attempt(self, send: Callable[[Call], Awaitable[T]], at_most: float) -> T:
        async with self.budget.one_call(at_most) as call:
            if self._stopped is not None:
                self.budget.ledger.release(call)
                raise self._stopped
            return await send(call)

    def _count_failure(self, error: NoAnswerError) -> None:
        log.debug("no answer: %s", error)
        self._failed_in_a_row = 0 if error.declined else self._failed_in_a_row + 1
        if self._failed_in_a_row >= PATIENCE:
            raise StoppedError(
                f"{self.name} gave no answer to {PATIENCE} questions in a row (the last: {error}). "
                "Every answer so far is kept: see to it, and run the same command again to go on"
            ) from error


def pause(attempt: int, told: float | None) -> float:
    """Seconds after the ``attempt``-th attempt, from 0: what the server says, else growing and scattered, so
    that requests which failed together do not come again together."""
    if told is not None:
        return told
    return min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.0)
