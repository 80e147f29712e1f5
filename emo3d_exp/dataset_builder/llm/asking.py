"""Asks many questions at once: from the cache, within the budget, again where an answer cannot be used."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
from emo3d_exp.dataset_builder.llm.answer_forms import UnusableAnswerError, read_answer, schema_of
from emo3d_exp.dataset_builder.llm.chat_model import (
    Answer,
    Ask,
    ChatModel,
    Message,
    NoAnswerError,
    Request,
    SpoiledAnswerError,
    guessed_tokens,
)
from emo3d_exp.dataset_builder.sending import Sender
from emo3d_exp.dataset_builder.spending import Budget, Call

_LONGEST_QUOTE = 2000
_AGAIN = "That answer cannot be used: {reason}. Answer again, with nothing but JSON of the form asked for."


@dataclass(frozen=True)
class Question:
    """What is asked about a sample, and the form of the answer."""

    sample_id: int
    prompt: str
    form: type[BaseModel]


@dataclass
class Outcome:
    """What came of a question.

    Attributes:
        value: the answer in its form, or None. reason: why there is none.
        calls: requests that were answered, in all rounds, with those whose answers were of no use or none at
            all; refusals, timeouts and dropped connections are not among them. cost: of these, US dollars.
        asked: a request was sent; otherwise the cache had all answers.
        guessed: tokens of an answer that came now were guessed.
    """

    value: Any = None
    reason: str | None = None
    calls: int = 0
    cost: float = 0.0
    asked: bool = False
    guessed: bool = False


@dataclass(frozen=True)
class Manner:
    """How questions are asked; see ``AskingStage``.

    Attributes:
        ask_again: give a sample another round. retry: number of the retry that does so, 0 for none.
    """

    purpose: str
    seed: int
    temperature: float | None
    max_tokens: int
    repairs: int
    ask_again: bool
    retry: int = 0


class Asker:
    """Asks a model.

    A sample has one *round* of questions: the first, and repairs while the answer cannot be used. When all
    its rounds came to nothing, ``ask_again`` begins another, which is noted before anything is asked: so a
    process that is killed, or stops, goes on with it; a retry begins one at most for each sample, however
    often it is stopped, and none for a sample whose earlier rounds it had to ask for. A round is told from
    the cache as far as it was answered, always from the first one, so that calls and cost are those of all
    rounds.
    """

    def __init__(self, model: ChatModel, cache: AnswerCache, budget: Budget, manner: Manner) -> None:
        self.model, self.cache, self.manner = model, cache, manner
        self._sender = Sender(model.model, budget, model.concurrency, model.retries)
        self._identity = model.identity()

    async def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """One outcome for each question, in order.

        Raises:
            StoppedError, ConfigError: nobody can be asked any more. Calls under way were waited for, and
                every answer is kept.
        """
        async with _OpenedLater(self.model) as model:
            return await self._sender.all([partial(self._conversation, model, each) for each in questions])

    async def _conversation(self, model: _OpenedLater, question: Question) -> Outcome:
        purpose, sample, outcome = self.manner.purpose, question.sample_id, Outcome()
        rounds, _ = self.cache.rounds(purpose, sample)
        try:
            for number in range(rounds):
                if await self._round(model, question, number, outcome):
                    return outcome
            if self._another_round(sample, outcome):
                self.cache.begin_round(purpose, sample, rounds + 1, self.manner.retry)
                if await self._round(model, question, rounds, outcome):
                    return outcome
        except NoAnswerError as error:
            outcome.reason = f"no answer: {error}"
            return outcome
        outcome.reason = f"no usable answer in {outcome.calls} calls: {outcome.reason}"
        return outcome

    def _another_round(self, sample: int, outcome: Outcome) -> bool:
        """A round that was answered only now has had its chance in this run, and in this retry."""
        if not self.manner.ask_again or outcome.asked:
            return False
        return not self.manner.retry or self.cache.rounds(self.manner.purpose, sample)[1] < self.manner.retry

    def _note_retry(self, sample: int) -> None:
        """That this retry asks about a sample: before anything is sent."""
        rounds, last = self.cache.rounds(self.manner.purpose, sample)
        if last < self.manner.retry:
            self.cache.begin_round(self.manner.purpose, sample, rounds, self.manner.retry)

    async def _round(self, model: _OpenedLater, question: Question, number: int, outcome: Outcome) -> bool:
        """Whether it brought a value; ``outcome`` gets that or the reason, and what it took."""
        messages: tuple[Message, ...] = ({"role": "user", "content": question.prompt},)
        for attempt in range(self.manner.repairs + 1):
            request = self._request(question, messages, number, attempt)
            answer = await self._answer(model, question.sample_id, request, outcome)
            try:
                outcome.value, outcome.reason = read_answer(answer, question.form), None
                return True
            except UnusableAnswerError as error:
                outcome.reason = str(error)
                messages = (*messages[:1], *_repair(answer, outcome.reason))
        return False

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

    async def _answer(self, model: _OpenedLater, sample: int, request: Request, outcome: Outcome) -> Answer:
        """The answer, kept before anything else is done with it; ``outcome`` gets what it took."""
        key = request.key(self._identity)
        try:
            if (known := self.cache.find(key)) is None:
                outcome.asked = True
                self._note_retry(sample)
                ask = await model.opened()
                at_most = self.model.cost(request.tokens, request.max_tokens)
                answer = await self._sender.answered(partial(self._send, ask, request, key), at_most)
                outcome.guessed |= answer.guessed
                known = answer, self._price(answer)
            outcome.calls, outcome.cost = outcome.calls + 1, outcome.cost + known[1]
            return known[0]
        finally:
            calls, cost = self.cache.spoiled(key)
            outcome.calls, outcome.cost = outcome.calls + calls, outcome.cost + cost

    async def _send(self, ask: Ask, request: Request, key: str, call: Call) -> Answer:
        try:
            answer = await ask(request)
        except SpoiledAnswerError as error:
            tokens_out = min(guessed_tokens(error.body), request.max_tokens)
            self.cache.note_spoiled(key, self.model.cost(request.tokens, tokens_out), call)
            raise
        self.cache.keep(key, answer, self._price(answer), call)
        return answer

    def _price(self, answer: Answer) -> float:
        return self.model.cost(answer.tokens_in, answer.tokens_out)


class _OpenedLater:
    """Opens the model when it is first asked: what the cache answers needs no key, network or weights."""

    def __init__(self, model: ChatModel) -> None:
        self._model, self._stack, self._opening = model, AsyncExitStack(), asyncio.Lock()
        self._ask: Ask | None = None

    async def __aenter__(self) -> _OpenedLater:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._stack.aclose()

    async def opened(self) -> Ask:
        """A function that asks."""
        async with self._opening:
            if self._ask is None:
                self._ask = await self._stack.enter_async_context(self._model.opened())
        return self._ask


def _repair(answer: Answer, reason: str) -> tuple[Message, Message]:
    """What is said after an answer that cannot be used."""
    said = answer.text[:_LONGEST_QUOTE] or "(nothing)"
    return {"role": "assistant", "content": said}, {"role": "user", "content": _AGAIN.format(reason=reason)}
