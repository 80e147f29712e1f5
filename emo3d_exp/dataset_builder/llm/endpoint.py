"""Language models behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.endpoint_client import (
    OPENAI_ADDRESS,
    Endpoint,
    check_address,
    key_variable_at,
    retry_after,
)
from emo3d_exp.dataset_builder.llm.chat_model import (
    Answer,
    Ask,
    ChatModel,
    Request,
    SpoiledAnswerError,
    guessed_tokens,
)
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

STRUCTURED = ("json_schema", "json_object", "text")
OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")


class OpenAIChat(ChatModel):
    """OpenAI's service, or any server with its API: vLLM, llama.cpp, Ollama, a gateway.

    429, 5xx, timeouts, dropped connections and bodies that are no chat completion are tried again, with
    growing pauses and jitter, or after what the server's ``Retry-After`` says.

    Args:
        model: name at the endpoint; must be given.
        base_url: of the endpoint, without a key.
        key_variable: environment variable that holds the key. None: OPENAI_API_KEY at OpenAI's address, and
            at any other base_url no key is sent.
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
        base_url: str = OPENAI_ADDRESS,
        key_variable: str | None = None,
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
        self.model, self.base_url = model, check_address(base_url)
        self.key_variable = key_variable_at(self.base_url, key_variable)
        self.structured, self.output_limit, self.send_seed = structured, output_limit, send_seed
        self.reasoning_effort = reasoning_effort
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        self.price_in, self.price_out = price_in, price_out

    def identity(self) -> dict[str, Any]:
        names = ("model", "base_url", "structured", "reasoning_effort")
        return {name: getattr(self, name) for name in names}

    @property
    def _endpoint(self) -> Endpoint:
        return Endpoint("model", self.model, self.base_url, self.key_variable, self.timeout)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Ask]:
        async with self._endpoint.client() as client:

            async def ask(request: Request) -> Answer:
                return await self._ask(client, request)

            yield ask

    async def _ask(self, client: AsyncOpenAI, request: Request) -> Answer:
        from openai import OpenAIError

        try:
            raw = await client.chat.completions.with_raw_response.create(
                model=self.model, messages=list(request.messages), **self._settings(request)
            )
        except OpenAIError as error:
            raise self._unsettled(error) from None
        try:
            return _answer(raw.parse(), request)
        except (OpenAIError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise SpoiledAnswerError(
                f"the response is no chat completion ({type(error).__name__})",
                raw.text,
                retry_after(raw.headers),
            ) from error

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

    def _unsettled(self, error: OpenAIError) -> Exception:
        """What an error means; a setting that the endpoint does not take is named with the cure."""
        from openai import APIStatusError

        failure = self._endpoint.failure(error)
        if isinstance(error, APIStatusError) and error.status_code in (400, 422):
            for word, cure in self._cures().items():
                if word in error.message:
                    return ConfigError(f"{self.base_url} does not take {word} ({failure}): set {cure}")
        return failure

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


def _answer(completion: Any, request: Request) -> Answer:
    """Servers leave out much of what a completion should have."""
    choice, usage = completion.choices[0], getattr(completion, "usage", None)
    refusal = getattr(choice.message, "refusal", None)
    text = refusal or choice.message.content or ""
    if not isinstance(text, str):
        raise ValueError("the message is no text")
    ended = "length" if choice.finish_reason == "length" else "stop"
    if refusal or choice.finish_reason == "content_filter":
        ended = "refused"
    tokens_in, tokens_out = (_tokens(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return Answer(
        text=text,
        ended=ended,
        tokens_in=tokens_in or request.tokens,
        tokens_out=tokens_out or guessed_tokens(text),
        answer_id=str(completion.id or ""),
        guessed=not (tokens_in and tokens_out),
    )


def _tokens(usage: Any, name: str) -> int:
    """0 where they are not told."""
    told = getattr(usage, name, None)
    return told if isinstance(told, int) and told > 0 else 0


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key}={value}: choose from {', '.join(choices)}")
