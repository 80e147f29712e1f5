"""What all OpenAI-compatible endpoints have in common: address, key, and what their errors mean."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emo3d_exp.dataset_builder.sending import NoAnswerError
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

OPENAI_ADDRESS = "https://api.openai.com/v1"
_DUMMY_KEY = "none"
"""The client insists on one; a server of one's own does not look at it."""
_LONGEST_REASON = 200
_DECLINED = ("content_filter", "content_policy_violation", "moderation_blocked")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint with the API of OpenAI's.

    Attributes:
        setting: the config group, for messages. model: name there. base_url: its address.
        key_variable: environment variable that holds the key; None to send none. timeout: seconds for one
            attempt.
    """

    setting: str
    model: str
    base_url: str
    key_variable: str | None
    timeout: float

    def client(self) -> AsyncOpenAI:
        """A client that makes one attempt.

        Raises:
            ConfigError: there is no key, or the package is not installed.
        """
        try:
            from openai import AsyncOpenAI
        except ImportError as error:
            raise ConfigError(
                f"{self.setting}: openai is not installed; pip install 'emo3d_exp[build]'"
            ) from error
        _quiet()
        client = AsyncOpenAI(api_key=self._key(), base_url=self.base_url, timeout=self.timeout, max_retries=0)
        if not _same_host(self.base_url, OPENAI_ADDRESS):
            # The client takes them from the environment for whomever it talks to.
            client.organization = client.project = None
        return client

    def _key(self) -> str:
        if self.key_variable is None:
            return _DUMMY_KEY
        if not (key := os.environ.get(self.key_variable, "").strip()):
            raise ConfigError(
                f"the environment variable {self.key_variable} is not set: it must hold the key for "
                f"{self.base_url} (key_variable=null for a server that wants none)"
            )
        return key

    def failure(self, error: Exception) -> NoAnswerError | ConfigError:
        """What an error of the client means.

        Returns:
            ConfigError where no request can have an answer: the key, address or model is wrong, or the
            account is empty.
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, APITimeoutError):
            return NoAnswerError(f"none within {self.timeout:g} s", again=True)
        if isinstance(error, APIConnectionError):
            cause = type(error.__cause__ or error).__name__
            return NoAnswerError(f"the connection failed with {cause}", again=True)
        if isinstance(error, APIStatusError):
            return self._refused(error)
        return NoAnswerError(f"the client cannot send or read it: {type(error).__name__}")

    def _refused(self, error: APIStatusError) -> NoAnswerError | ConfigError:
        status, message = error.status_code, self.without_key(error.message)
        if status in (401, 403, 404) or error.code == "insufficient_quota":
            cure = f"check base_url, model and the key in {self.key_variable}"
            if self.key_variable is None:
                cure = (
                    "no key was sent: if it wants one, set key_variable=… to the environment variable that "
                    "holds it; else check base_url and model"
                )
            return ConfigError(
                f"{self.base_url} refuses model {self.model} (HTTP {status}: {message}): {cure}"
            )
        wait = retry_after(error.response.headers)
        again = status in (408, 409, 429) or status >= 500
        told = error.response.headers.get("x-should-retry")
        again = told == "true" if told in ("true", "false") else again
        return NoAnswerError(f"HTTP {status}: {message}", again, wait, declined=error.code in _DECLINED)

    def without_key(self, message: str) -> str:
        """A line of a message; endpoints repeat a key that they refuse."""
        key = os.environ.get(self.key_variable, "").strip() if self.key_variable else ""
        return " ".join((message.replace(key, "…") if key else message).split())[:_LONGEST_REASON]


def key_variable_at(base_url: str, named: str | None) -> str | None:
    """The environment variable whose key goes to an address: the one that is named; OPENAI_API_KEY at
    OpenAI's own address; none elsewhere, so that no other server is ever sent it unasked."""
    if named:
        return named
    ours = urlsplit(base_url).scheme == "https" and _same_host(base_url, OPENAI_ADDRESS)
    return "OPENAI_API_KEY" if ours else None


def check_address(base_url: str) -> str:
    """The address of an endpoint, without a slash at its end.

    Raises:
        ConfigError: it is none, or holds what should not stand in manifests.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("base_url must be an address such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            "base_url holds a name, password, query or fragment, which would be written into manifests: "
            "give the key in the environment variable that key_variable names"
        )
    return base_url.rstrip("/")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server says to wait, None where it does not say so understandably."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            seconds = float(milliseconds) / 1000
        elif (told := headers.get("retry-after")) is None:
            return None
        elif told.strip().replace(".", "", 1).isdigit():
            seconds = float(told)
        else:
            seconds = parsedate_to_datetime(told).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 and not math.isnan(seconds) else None


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).hostname == urlsplit(other).hostname


def _quiet() -> None:
    """The client tells every request; who wants to read that sets the level of these loggers."""
    for logger in map(logging.getLogger, ("httpx", "httpx2", "openai")):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
