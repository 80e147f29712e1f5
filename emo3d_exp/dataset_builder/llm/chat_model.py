"""What a language model is asked, what it answers, and who can be asked."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from emo3d_exp.dataset_builder.sending import NoAnswerError, SpoiledAnswerError

__all__ = [
    "Answer",
    "Ask",
    "ChatModel",
    "Message",
    "NoAnswerError",
    "Request",
    "SpoiledAnswerError",
    "guessed_tokens",
]

Message = dict[str, str]
"""``role`` (system, user, assistant) and ``content``."""


@dataclass(frozen=True)
class Request:
    """One question, as a model gets it.

    Attributes:
        messages: the conversation so far. form: name of the answer's form. schema: its JSON schema.
        temperature: of sampling; None for the model's own. max_tokens: at most so many in the answer.
        seed: of sampling, below 2^31; another seed is another request.
    """

    messages: tuple[Message, ...]
    form: str
    schema: dict[str, Any]
    temperature: float | None
    max_tokens: int
    seed: int

    def key(self, model: dict[str, Any]) -> str:
        """64 hex digits of everything that the answer of this model depends on."""
        facts = json.dumps([model, asdict(self)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(facts.encode()).hexdigest()

    @property
    def tokens(self) -> int:
        """What the conversation has, guessed."""
        return sum(guessed_tokens(message["content"]) + 4 for message in self.messages)


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        text: of the answer. ended: how; ``length`` for cut off at ``max_tokens``.
        tokens_in, tokens_out: as the model counted them, or guessed from the characters, at least 1.
        answer_id: the endpoint's, for its bills. guessed: the model did not tell its tokens.
    """

    text: str
    ended: Literal["stop", "length", "refused"]
    tokens_in: int
    tokens_out: int
    answer_id: str = ""
    guessed: bool = False


Ask = Callable[[Request], Awaitable[Answer]]


class ChatModel(ABC):
    """A language model that answers chats.

    Attributes:
        model: its name. concurrency: how many questions it may be asked at once. retries: attempts after
            the first, for a request without an answer.
        price_in, price_out: US dollars per million tokens of question and answer.
    """

    model: str
    concurrency: int = 1
    retries: int = 0
    price_in: float = 0.0
    price_out: float = 0.0

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain values that decide the answers; they go into manifests, so no secret is among them."""

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Ask]:
        """A function that asks once, for as long as the context lasts.

        It raises NoAnswerError for a request without an answer (SpoiledAnswerError for one with an answer
        that is none), and ConfigError where no request can have one, such as for a key that is refused.
        """

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


def guessed_tokens(text: str) -> int:
    """About so many tokens: four characters each, as in English."""
    return len(text) // 4 + 1
