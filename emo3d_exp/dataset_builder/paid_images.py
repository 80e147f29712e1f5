"""Pictures bought from an OpenAI-compatible endpoint: kept on disk, counted, and never bought twice."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib
import json
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.downloads import DownloadError, fetch
from emo3d_exp.dataset_builder.endpoint_client import Endpoint, retry_after
from emo3d_exp.dataset_builder.image_checks import image_problem
from emo3d_exp.dataset_builder.sending import NoAnswerError, Sender, SpoiledAnswerError, pause
from emo3d_exp.dataset_builder.spending import Call
from emo3d_exp.errors import DataError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DOWNLOADS = 3
"""Attempts in one run."""
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""What reading an answer that is none can raise."""
_GONE = "the address of the picture that was paid for has expired ({reason}); retry=true buys it again"


@dataclass(frozen=True)
class Bought:
    """What came of all requests for a picture.

    Attributes:
        image: base64 of the encoded image; None where none came. reason: why, which is not kept.
        calls: requests that were answered (a whole response with status 200), whatever the answers held.
        cost: of these, US dollars. address: where the picture lies that was answered last, where its bytes
            did not come along. gone: it lies there no more.
    """

    image: str | None = None
    reason: str | None = None
    calls: int = 0
    cost: float = 0.0
    address: str | None = None
    gone: bool = False

    @property
    def encoded(self) -> bytes | None:
        """The image file."""
        return None if self.image is None else base64.b64decode(self.image)


class ImageShelf:
    """A folder with a file for every picture that was asked for and answered."""

    def __init__(self, folder: Path, base_url: str | None) -> None:
        self.folder, self.base_url = folder, base_url

    def file(self, request: dict[str, Any], sample_id: int, face: int) -> Path:
        """Of the same arguments, every sample and face has a picture of its own."""
        asked = json.dumps([self.base_url, request, sample_id, face], sort_keys=True)
        name = hashlib.sha256(asked.encode()).hexdigest()[:32]
        return self.folder / name[:2] / f"{name}.json"

    def known(self, file: Path) -> Bought:
        """What was answered before.

        Raises:
            DataError: the file is damaged.
        """
        try:
            return Bought(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Bought()
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{file} cannot be read ({error}); delete it to pay for it again") from error

    def keep(self, file: Path, bought: Bought) -> Bought:
        """Write it down."""
        with write_atomically(file) as partial_file:
            partial_file.write_text(json.dumps(asdict(bought)), encoding="utf-8")
        return bought


class ImageShop:
    """Asks an endpoint for pictures; used as a context.

    Every answer is written down, and what it cost, before anything else is done with it. A picture that is
    answered as an address is then fetched from there, again in the next run where that fails.

    Args:
        endpoint: with the model. shelf: of what was bought. sender: with the budget.
        price: US dollars an answer, whatever it holds. buy_again: pictures whose address has expired.
        max_bytes: of an answer, and of a download.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        shelf: ImageShelf,
        sender: Sender,
        price: float,
        buy_again: bool,
        max_bytes: int,
    ) -> None:
        self.endpoint, self.shelf, self.sender, self.price = endpoint, shelf, sender, price
        self.buy_again, self.max_bytes = buy_again, max_bytes
        self._stack, self._opened = AsyncExitStack(), None

    async def __aenter__(self) -> ImageShop:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._stack.aclose()

    async def buy(self, request: dict[str, Any], sample_id: int, face: int) -> Bought:
        """A picture for the arguments of ``images.generate``, or the reason why there is none.

        Raises:
            StoppedError: the budget does not reach, or the endpoint is down.
            ConfigError: the endpoint does not accept the key or know the model, or the account is empty.
        """
        file = self.shelf.file(request, sample_id, face)
        bought = self.shelf.known(file)
        if bought.image is None and bought.address is not None and not (bought.gone and self.buy_again):
            bought = await self._downloaded(file, bought)
        if bought.image is None and (bought.address is None or (bought.gone and self.buy_again)):
            bought = await self._asked(file, request)
        return bought

    async def _asked(self, file: Path, request: dict[str, Any]) -> Bought:
        try:
            client = await self._client()
            bought = await self.sender.answered(partial(self._send, client, file, request), self.price)
        except NoAnswerError as error:
            return replace(self.shelf.known(file), reason=f"no answer: {error}")
        return bought if bought.image is not None else await self._downloaded(file, bought)

    async def _client(self) -> AsyncOpenAI:
        """Opened when the first picture is asked for: what is on the shelf needs no key."""
        if self._opened is None:
            self._opened = self.endpoint.client()
            await self._stack.enter_async_context(self._opened)
        return self._opened

    async def _send(self, client: AsyncOpenAI, file: Path, request: dict[str, Any], call: Call) -> Bought:
        body, wait = await self._body(client, request)
        known, told = self.shelf.known(file), ""
        paid = replace(known, calls=known.calls + 1, cost=known.cost + self.price, address=None, gone=False)
        too_large = len(body) > self.max_bytes
        try:
            bought = paid if too_large else replace(paid, **_picture(body))
        except _MALFORMED as error:
            bought, told = paid, self.endpoint.without_key(f"{type(error).__name__}: {error}")
        self.shelf.keep(file, bought)
        self.sender.budget.ledger.settle(call, self.price)
        if too_large:
            raise SpoiledAnswerError(f"it is too large: more than {self.max_bytes} bytes", "", again=False)
        if bought is paid:
            raise SpoiledAnswerError(f"a malformed answer: {told}", "", wait)
        return bought

    async def _body(self, client: AsyncOpenAI, request: dict[str, Any]) -> tuple[bytes, float | None]:
        """The whole body of an answer, as far as it may go, and how long the server says to wait."""
        from openai import OpenAIError

        try:
            async with client.images.with_streaming_response.generate(**request) as response:
                transport = importlib.import_module(type(response.http_response).__module__.partition(".")[0])
                content = bytearray()
                try:
                    async for piece in response.iter_bytes():
                        content += piece
                        if len(content) > self.max_bytes:
                            break
                except transport.RequestError as error:
                    told = f"the connection failed with {type(error).__name__}"
                    raise NoAnswerError(told, again=True) from error
                return bytes(content), retry_after(response.headers)
        except OpenAIError as error:
            raise self.endpoint.failure(error) from None

    async def _downloaded(self, file: Path, bought: Bought) -> Bought:
        """With the picture from the address, or the reason why there is none; nothing is paid."""
        if bought.gone:
            return replace(bought, reason=_GONE.format(reason="in an earlier run"))
        reason = ""
        for attempt in range(DOWNLOADS):
            try:
                return self.shelf.keep(file, replace(bought, image=await self._fetched(bought.address or "")))
            except DownloadError as error:
                reason = self.endpoint.without_key(str(error))
                if error.gone:
                    gone = self.shelf.keep(file, replace(bought, gone=True))
                    return replace(gone, reason=_GONE.format(reason=reason))
            if attempt < DOWNLOADS - 1:
                await asyncio.sleep(pause(attempt, None))
        told = f"the picture that was paid for cannot be fetched ({reason}); retry=true fetches it again"
        return replace(bought, reason=told)

    async def _fetched(self, address: str) -> str:
        encoded = await asyncio.to_thread(fetch, address, self.max_bytes, self.endpoint.timeout)
        if problem := await asyncio.to_thread(image_problem, encoded, 1):
            raise DownloadError(problem)
        return base64.b64encode(encoded).decode()


def _picture(body: bytes) -> dict[str, str]:
    """``image`` or ``address`` of an answer; raises what is in ``_MALFORMED``."""
    answer = json.loads(body)["data"][0]
    if answer.get("b64_json"):
        return {"image": base64.b64encode(base64.b64decode(answer["b64_json"], validate=True)).decode()}
    if not isinstance(answer["url"], str):
        raise ValueError("an address that is none")
    return {"address": answer["url"]}
