"""What a stage may spend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
from emo3d_exp.errors import StoppedError


@dataclass
class Budget:
    """Lets a call begin only if the limits hold even when it, and all that are under way, cost what they may.

    Attributes:
        cache: knows what was spent. purpose: for what.
        max_cost: US dollars, max_calls: answers, in all runs together; None for no limit.
    """

    cache: AnswerCache
    purpose: str
    max_cost: float | None
    max_calls: int | None
    _calls: int = 0
    _cost: float = 0.0
    _ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def one_call(self, at_most: float) -> AsyncIterator[None]:
        """Around a call that costs at most so many US dollars; waits while those under way may need the rest.

        Raises:
            StoppedError: there is too little left.
        """
        async with self._ended:
            while (limit := self._exceeded(at_most)) and self._calls:
                await self._ended.wait()
            if limit:
                calls, cost = self.cache.spent(self.purpose)
                raise StoppedError(
                    f"{limit} is reached: {calls} calls for ${cost:.4f} were made so far. Every answer is "
                    "kept: raise the limit and run the same command again to go on"
                )
            self._calls, self._cost = self._calls + 1, self._cost + at_most
        try:
            yield
        finally:
            async with self._ended:
                self._calls, self._cost = self._calls - 1, self._cost - at_most
                self._ended.notify_all()

    def _exceeded(self, at_most: float) -> str | None:
        """The limit that one more call may break."""
        if self.max_cost is None and self.max_calls is None:
            return None
        calls, cost = self.cache.spent(self.purpose)
        if self.max_calls is not None and calls + self._calls >= self.max_calls:
            return f"max_calls={self.max_calls}"
        if self.max_cost is not None and cost + self._cost + at_most > self.max_cost:
            return f"max_cost={self.max_cost:g}"
        return None
