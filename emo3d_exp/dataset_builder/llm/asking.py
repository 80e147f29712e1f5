"""Asks many questions at once: from the cache, within the budget, again where an answer cannot be used."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
from emo3d_exp.dataset_builder.llm.answer_forms import UnusableAnswerError, read_answer, schema_of
from emo3d_exp.dataset_builder.llm.budget import Budget
from emo3d_exp.dataset_builder.llm.chat_model import Answer, Ask, ChatModel, Message, NoAnswerError, Request
from emo3d_exp.errors import Emo3DError, StoppedError

log = logging.getLogger(__name__)

PATIENCE = 10
"""Questions in a row without any answer after which the endpoint is taken to be down."""
_LONGEST_QUOTE = 2000
_AGAIN = "That answer cannot be used: {reason}. Answer again, with nothing but JSON of the form asked for."


@dataclass(frozen=True)
class Question:
    """What is asked about a sample, and the form of the answer."""

    sample_id: int
    prompt: str
    form: type[BaseModel]


@dataclass(frozen=True)
class Outcome:
    """What came of a question.

    Attributes:
        value: the answer in its form, or None. reason: why there is none.
        calls, cost: answers it took, with those that were of no use, and US dollars.
    """

    value: Any
    reason: str | None
    calls: int
    cost: float


@dataclass(frozen=True)
class Manner:
    """How questions are asked; see ``AskingStage``."""

    purpose: str
    seed: int
    temperature: float | None
    max_tokens: int
    repairs: int
    ask_again: bool


class Asker:
    """Asks a model."""

    def __init__(self, model: ChatModel, cache: AnswerCache, budget: Budget, manner: Manner) -> None:
        self.model, self.cache, self.budget, self.manner = model, cache, budget, manner
        self._identity = model.identity()
        self._failed_in_a_row = 0
        self._stopped: Emo3DError | None = None

    async def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """One outcome for each question, in order.

        Raises:
            StoppedError, ConfigError: nobody can be asked any more. Calls under way were waited for, and
                every answer is kept.
        """
        free = asyncio.Semaphore(self.model.concurrency)
        async with _OpenedLater(self.model) as ask:
            outcomes = await asyncio.gather(*(self._settled(ask, free, each) for each in questions))
        if self._stopped is not None:
            raise self._stopped
        return [outcome for outcome in outcomes if outcome is not None]

    async def _settled(self, ask: Ask, free: asyncio.Semaphore, question: Question) -> Outcome | None:
        """None once asking has stopped."""
        async with free:
            if self._stopped is not None:
                return None
            try:
                return await self._conversation(ask, question)
            except Emo3DError as error:
                self._stopped = self._stopped or error
                return None

    async def _conversation(self, ask: Ask, question: Question) -> Outcome:
        purpose, sample = self.manner.purpose, question.sample_id
        failed = self.cache.rounds_failed(purpose, sample)
        # The last failed round is told again from the cache, unless a new one is wanted.
        turn = failed if self.manner.ask_again else max(0, failed - 1)
        messages: tuple[Message, ...] = ({"role": "user", "content": question.prompt},)
        calls, cost, reason = 0, 0.0, ""
        for attempt in range(self.manner.repairs + 1):
            try:
                answer, price = await self._answer(ask, self._request(question, messages, turn, attempt))
            except NoAnswerError as error:
                return Outcome(None, f"no answer: {error}", calls, cost)
            calls, cost = calls + 1, cost + price
            try:
                return Outcome(read_answer(answer, question.form), None, calls, cost)
            except UnusableAnswerError as error:
                reason = str(error)
                messages = (*messages[:1], *_repair(answer, reason))
        self.cache.note_failure(purpose, sample, turn + 1)
        return Outcome(None, f"no usable answer in {calls} calls: {reason}", calls, cost)

    def _request(self, question: Question, messages: tuple[Message, ...], turn: int, attempt: int) -> Request:
        draw = f"{self.manner.seed}/{question.form.__name__}/{question.sample_id}/{turn}/{attempt}"
        return Request(
            messages,
            question.form.__name__,
            schema_of(question.form),
            self.manner.temperature,
            self.manner.max_tokens,
            int(hashlib.sha256(draw.encode()).hexdigest()[:7], 16),
        )

    async def _answer(self, ask: Ask, request: Request) -> tuple[Answer, float]:
        """The answer and its price, kept before anything else is done with it."""
        key = request.key(self._identity)
        if known := self.cache.find(key):
            return known
        async with self.budget.one_call(self.model.cost(request.tokens, request.max_tokens)):
            if self._stopped is not None:
                raise self._stopped
            try:
                answer = await ask(request)
            except NoAnswerError as error:
                self._count_failure(error)
                raise
            self._failed_in_a_row = 0
            cost = self.model.cost(answer.tokens_in, answer.tokens_out)
            self.cache.keep(key, answer, cost, self.manner.purpose)
        return answer, cost

    def _count_failure(self, error: NoAnswerError) -> None:
        self._failed_in_a_row += 1
        log.debug("no answer: %s", error)
        if self._failed_in_a_row >= PATIENCE:
            raise StoppedError(
                f"{self.model.model} gave no answer to {PATIENCE} questions in a row (the last: {error}). "
                "Every answer so far is kept: see to it, and run the same command again to go on"
            ) from error


class _OpenedLater:
    """Opens the model when it is first asked: what the cache answers needs no key, network or weights."""

    def __init__(self, model: ChatModel) -> None:
        self._model, self._stack, self._opening = model, AsyncExitStack(), asyncio.Lock()
        self._ask: Ask | None = None

    async def __aenter__(self) -> Ask:
        return self._asked

    async def __aexit__(self, *raised: Any) -> None:
        await self._stack.aclose()

    async def _asked(self, request: Request) -> Answer:
        async with self._opening:
            if self._ask is None:
                self._ask = await self._stack.enter_async_context(self._model.opened())
        return await self._ask(request)


def _repair(answer: Answer, reason: str) -> tuple[Message, Message]:
    """What is said after an answer that cannot be used."""
    said = answer.text[:_LONGEST_QUOTE] or "(nothing)"
    return {"role": "assistant", "content": said}, {"role": "user", "content": _AGAIN.format(reason=reason)}
