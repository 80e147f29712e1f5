"""Language models behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emo3d_exp.dataset_builder.llm.chat_model import Answer, Ask, ChatModel, NoAnswerError, Request
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

STRUCTURED = ("json_schema", "json_object", "text")
OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
_DUMMY_KEY = "none"
"""The client insists on one; a server of one's own does not look at it."""
_LONGEST_REASON = 200


class OpenAIChat(ChatModel):
    """OpenAI's service, or any server with its API: vLLM, llama.cpp, Ollama, a gateway.

    429, 5xx, timeouts and dropped connections are tried again by the client, with growing pauses and jitter,
    or after what the server's ``Retry-After`` says.

    Args:
        model: name at the endpoint; must be given.
        base_url: of the endpoint, without a key.
        key_variable: environment variable that holds the key; None for a server that wants none.
        structured: how the form of the answer is asked for beside the prompt: ``json_schema``,
            ``json_object``, or ``text`` for a server that knows neither.
        output_limit: what the endpoint calls the longest answer: ``max_completion_tokens`` or
            ``max_tokens`` (older servers).
        send_seed: to servers that know ``seed``.
        reasoning_effort: for models that think before they answer, such as ``low``; None to say nothing.
            Their thoughts count towards the stage's ``max_tokens``.
        concurrency: questions at once. timeout: seconds for one attempt. retries: after the first one.
        price_in, price_out: US dollars per million tokens; must be given, 0 where nothing is paid.

    Raises:
        ConfigError: one of them is missing or cannot be.
    """

    def __init__(
        self,
        model: str | None,
        base_url: str = "https://api.openai.com/v1",
        key_variable: str | None = "OPENAI_API_KEY",
        structured: str = "json_schema",
        output_limit: str = "max_completion_tokens",
        send_seed: bool = True,
        reasoning_effort: str | None = None,
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 6,
        price_in: float | None = None,
        price_out: float | None = None,
    ) -> None:
        if not model:
            raise ConfigError("the language model has no name: set model=… to what the endpoint calls it")
        if price_in is None or price_out is None:
            raise ConfigError(
                f"model {model}: set price_in=… and price_out=… (US dollars per million tokens; 0 for a "
                "server of your own), so that costs can be told"
            )
        _check_choice("structured", structured, STRUCTURED)
        _check_choice("output_limit", output_limit, OUTPUT_LIMITS)
        if concurrency < 1 or timeout <= 0 or retries < 0 or min(price_in, price_out) < 0:
            raise ConfigError(
                f"model {model}: concurrency must be at least 1, timeout above 0, retries and prices "
                "not negative"
            )
        _check_address(base_url)
        self.model, self.base_url, self.key_variable = model, base_url.rstrip("/"), key_variable
        self.structured, self.output_limit, self.send_seed = structured, output_limit, send_seed
        self.reasoning_effort = reasoning_effort
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        self.price_in, self.price_out = price_in, price_out

    def identity(self) -> dict[str, Any]:
        names = ("model", "base_url", "structured", "reasoning_effort")
        return {name: getattr(self, name) for name in names}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Ask]:
        from openai import AsyncOpenAI

        _quiet()
        client = AsyncOpenAI(
            api_key=self._key(), base_url=self.base_url, timeout=self.timeout, max_retries=self.retries
        )
        async with client:

            async def ask(request: Request) -> Answer:
                return await self._ask(client, request)

            yield ask

    def _key(self) -> str:
        if self.key_variable is None:
            return _DUMMY_KEY
        if not (key := os.environ.get(self.key_variable, "").strip()):
            raise ConfigError(
                f"the environment variable {self.key_variable} is not set: it must hold the key for "
                f"{self.base_url} (key_variable=null for a server that wants none)"
            )
        return key

    async def _ask(self, client: AsyncOpenAI, request: Request) -> Answer:
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

        try:
            completion = await client.chat.completions.create(
                model=self.model, messages=list(request.messages), **self._settings(request)
            )
        except APITimeoutError as error:
            raise NoAnswerError(f"none within {self.timeout:g} s (attempts: {self.retries + 1})") from error
        except APIConnectionError as error:
            cause = type(error.__cause__ or error).__name__
            raise NoAnswerError(
                f"the connection failed with {cause} (attempts: {self.retries + 1})"
            ) from error
        except APIStatusError as error:
            raise self._refused(error) from None
        except (OpenAIError, ValueError) as error:
            raise NoAnswerError(f"the response is no chat completion ({type(error).__name__})") from error
        return _answer(completion)

    def _settings(self, request: Request) -> dict[str, Any]:
        settings: dict[str, Any] = {self.output_limit: request.max_tokens}
        if request.temperature is not None:
            settings["temperature"] = request.temperature
        if self.reasoning_effort is not None:
            settings["reasoning_effort"] = self.reasoning_effort
        if self.send_seed:
            settings["seed"] = request.seed
        if self.structured == "json_schema":
            schema = {"name": request.form, "schema": request.schema, "strict": True}
            settings["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.structured == "json_object":
            settings["response_format"] = {"type": "json_object"}
        return settings

    def _refused(self, error: APIStatusError) -> Exception:
        """What a status that no retry mended means."""
        status, message = error.status_code, self._without_key(error.message)
        if status in (401, 403, 404):
            return ConfigError(
                f"{self.base_url} refuses model {self.model} (HTTP {status}: {message}): check base_url, "
                f"model and the key in {self.key_variable or 'key_variable'}"
            )
        if status in (400, 422):
            for word, cure in self._cures().items():
                if word in message:
                    return ConfigError(
                        f"{self.base_url} does not take {word} (HTTP {status}: {message}): set {cure}"
                    )
        return NoAnswerError(f"HTTP {status}: {message}")

    def _cures(self) -> dict[str, str]:
        other = next(name for name in OUTPUT_LIMITS if name != self.output_limit)
        return {
            "response_format": "structured=text",
            "json_schema": "structured=json_object or text",
            self.output_limit: f"output_limit={other}",
            "seed": "send_seed=false",
            "temperature": "temperature=null",
            "reasoning_effort": "reasoning_effort=null, or to a value that the model knows",
        }

    def _without_key(self, message: str) -> str:
        """Endpoints repeat a key that they refuse."""
        key = os.environ.get(self.key_variable, "").strip() if self.key_variable else ""
        return (message.replace(key, "…") if key else message)[:_LONGEST_REASON]


def _answer(completion: Any) -> Answer:
    """Servers leave out much of what a completion should have."""
    choices = getattr(completion, "choices", None)
    if not choices or choices[0].message is None:
        raise NoAnswerError("the response is no chat completion")
    message, usage = choices[0].message, getattr(completion, "usage", None)
    refusal = getattr(message, "refusal", None)
    ended = "length" if choices[0].finish_reason == "length" else "stop"
    if refusal or choices[0].finish_reason == "content_filter":
        ended = "refused"
    return Answer(
        text=refusal or message.content or "",
        ended=ended,
        tokens_in=getattr(usage, "prompt_tokens", None) or 0,
        tokens_out=getattr(usage, "completion_tokens", None) or 0,
        answer_id=completion.id or "",
    )


def _quiet() -> None:
    """The client tells every request; who wants to read that sets the level of these loggers."""
    for logger in map(logging.getLogger, ("httpx", "httpx2", "openai")):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key}={value}: choose from {', '.join(choices)}")


def _check_address(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("base_url must be an address such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            "base_url holds a name, password or query, which would be written into manifests: give the key "
            "in the environment variable that key_variable names"
        )
