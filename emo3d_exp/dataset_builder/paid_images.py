"""Pictures bought from an OpenAI-compatible endpoint: kept on disk, counted, and never bought twice."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import urllib.request
from dataclasses import asdict, dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from openai import OpenAI

WRONG_SETTINGS = (401, 403, 404)
"""Answers that every other request would get too."""
RETRIED = (408, 409, 429)
DOWNLOADS = 3
MALFORMED = (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError, HTTPException)
"""What a server's answer can raise that is no picture."""


class BudgetSpentError(DataError):
    """``max_calls`` or ``max_cost`` is reached."""


@dataclass(frozen=True)
class Bought:
    """What came of a request.

    Attributes:
        image: base64 of the encoded image, None where none came, and then ``reason`` says why.
        calls: requests that were sent. cost: US dollars; an answer that came costs, whatever it holds.
    """

    image: str | None
    reason: str | None
    calls: int
    cost: float

    @property
    def encoded(self) -> bytes | None:
        """The image file."""
        return None if self.image is None else base64.b64decode(self.image)


@dataclass
class Budget:
    """What one run may spend; safe to share between threads."""

    max_calls: int | None
    max_cost: float | None
    calls: int = 0
    cost: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def reserve(self, price: float) -> None:
        """Take one call, or raise BudgetSpentError."""
        with self._lock:
            too_many = self.max_calls is not None and self.calls + 1 > self.max_calls
            # A rounding error of the sum must not cost the last picture.
            too_dear = self.max_cost is not None and self.cost + price > self.max_cost + 1e-9
            if too_many or too_dear:
                raise BudgetSpentError(
                    f"images: {self.calls} calls for ${self.cost:.2f} in this run, as much as "
                    f"builder.images.max_calls={self.max_calls} and max_cost={self.max_cost} allow; raise "
                    "them and run again: what was paid for is kept"
                )
            self.calls, self.cost = self.calls + 1, self.cost + price

    def correct(self, calls: int, cost: float) -> None:
        """Add what a request took beyond what was reserved for it; negative where it took less."""
        with self._lock:
            self.calls, self.cost = self.calls + calls, self.cost + cost


class ImageShop:
    """Asks an endpoint for pictures.

    Args:
        base_url: of the endpoint; None for the client's own. key_variable: environment variable of the key.
        price: US dollars a picture. budget: of this run. retries: of a request, with growing pauses.
        seconds: until an answer is given up. cache: folder of what was bought.
    """

    def __init__(
        self,
        base_url: str | None,
        key_variable: str,
        price: float,
        budget: Budget,
        retries: int,
        seconds: float,
        cache: Path,
    ) -> None:
        if base_url is not None and (urlsplit(base_url).username or urlsplit(base_url).password):
            raise ConfigError(
                "builder.images.base_url holds a name or password, which would be written into manifests: "
                "give the key in the environment variable that api_key_variable names"
            )
        self.base_url, self.key_variable, self.price, self.budget = base_url, key_variable, price, budget
        self.retries, self.seconds, self.cache = retries, seconds, cache

    def known(self, request: dict[str, Any], sample_id: int, face: int) -> Bought | None:
        """What was bought for these before."""
        file = self._file(request, sample_id, face)
        try:
            return Bought(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{file} cannot be read ({error}); delete it to pay for it again") from error

    def buy(self, request: dict[str, Any], sample_id: int, face: int) -> Bought:
        """A picture for the arguments of ``images.generate``; of the same arguments, every sample and face
        has a picture of its own.

        Raises:
            BudgetSpentError: the budget does not reach.
            ConfigError: the endpoint does not accept the key or know the model, or the account is empty.
        """
        bought = self.known(request, sample_id, face)
        if bought is None:
            bought = self._ask(request)
            if bought.image is not None:
                file = self._file(request, sample_id, face)
                with write_atomically(file) as partial:
                    partial.write_text(json.dumps(asdict(bought)), encoding="utf-8")
        return bought

    def _file(self, request: dict[str, Any], sample_id: int, face: int) -> Path:
        asked = json.dumps([self.base_url, request, sample_id, face], sort_keys=True)
        name = hashlib.sha256(asked.encode()).hexdigest()[:32]
        return self.cache / name[:2] / f"{name}.json"

    @cached_property
    def _client(self) -> OpenAI:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise ConfigError(
                "builder/images=endpoint: openai is not installed; pip install 'emo3d_exp[build]'"
            ) from error
        key = os.environ.get(self.key_variable)
        if not key and self.base_url is None:
            raise ConfigError(f"builder/images=endpoint: set the environment variable {self.key_variable}")
        # A server of one's own wants some key, whatever it is.
        return OpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            max_retries=self.retries,
            timeout=self.seconds,
        )

    def _ask(self, request: dict[str, Any]) -> Bought:
        """Ask until the answer holds a picture, at most ``retries`` times again."""
        calls, cost, reason = 0, 0.0, ""
        for _ in range(self.retries + 1):
            self.budget.reserve(self.price)
            sent, answered, image, reason = self._once(request)
            self.budget.correct(sent - 1, 0.0 if answered else -self.price)
            calls, cost = calls + sent, cost + (self.price if answered else 0.0)
            if image is not None:
                return Bought(base64.b64encode(image).decode(), None, calls, cost)
            if not answered:
                break
        return Bought(None, reason, calls, cost)

    def _once(self, request: dict[str, Any]) -> tuple[int, bool, bytes | None, str]:
        """Requests sent, whether one was answered, the picture, and else why there is none."""
        import openai

        try:
            raw = self._client.images.with_raw_response.generate(**request)
        except openai.APIStatusError as error:
            self._stop_if_hopeless(error)
            again = error.status_code in RETRIED or error.status_code >= 500
            sent = self.retries + 1 if again else 1
            told = self._without_key(error.message)
            return sent, False, None, f"the endpoint answers {error.status_code}: {told}"
        except openai.APIConnectionError as error:
            return (
                self.retries + 1,
                False,
                None,
                f"no answer: {self._without_key(str(error.__cause__ or error))}",
            )
        sent = 1 + int(getattr(raw, "retries_taken", 0))
        try:
            return sent, True, self._image(json.loads(raw.content)["data"][0]), ""
        except MALFORMED as error:
            told = self._without_key(str(error))
            return sent, True, None, f"a malformed answer: {type(error).__name__}: {told}"

    def _stop_if_hopeless(self, error: Any) -> None:
        if error.status_code in WRONG_SETTINGS or error.code == "insufficient_quota":
            raise ConfigError(
                f"{self._client.base_url} refuses all requests: {error.status_code} "
                f"{self._without_key(error.message)}; "
                f"see builder.images.model, base_url and the key in {self.key_variable}"
            ) from error

    def _without_key(self, message: str) -> str:
        """Endpoints repeat a key that they refuse."""
        key = os.environ.get(self.key_variable, "").strip()
        return " ".join((message.replace(key, "…") if key else message).split())[:200]

    def _image(self, answer: dict[str, Any]) -> bytes:
        if answer.get("b64_json"):
            return base64.b64decode(answer["b64_json"], validate=True)
        address = answer["url"]
        if not address.startswith(("https://", "http://")):
            raise ValueError(f"an address that is none: {address}")
        for attempt in range(DOWNLOADS):
            try:
                with urllib.request.urlopen(address, timeout=self.seconds) as content:
                    return content.read()
            except OSError:
                if attempt == DOWNLOADS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")
