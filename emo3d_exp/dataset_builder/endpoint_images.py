"""Pictures by an image model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.endpoint_client import OPENAI_ADDRESS, Endpoint, check_address, key_variable_at
from emo3d_exp.dataset_builder.image_prompts import load_template, prompt
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture, check_faces, text_of_face
from emo3d_exp.dataset_builder.paid_images import Bought, ImageShelf, ImageShop
from emo3d_exp.dataset_builder.sending import Sender
from emo3d_exp.dataset_builder.spending import Budget, Ledger, check_limits, purpose_of
from emo3d_exp.dataset_builder.stage import Estimate, Row
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import cache_root


class EndpointImages(ImageStage):
    """Asks for every picture once. What was paid for lies in the cache folder and is not paid again, also
    after a run that was killed.

    A row's ``calls`` are the requests for its pictures that were answered (a whole response with status 200),
    whatever the answers held; its ``cost`` is what these answers cost, whoever asked first. Refusals,
    timeouts and dropped connections are in neither.

    Args:
        model: name at the endpoint. base_url: of the endpoint; None for OpenAI's.
        key_variable: environment variable that holds the key. None: OPENAI_API_KEY at OpenAI's address, and
            at any other base_url no key is sent.
        size, quality, response_format: as the endpoint knows them; None leaves them out.
        faces: pictures a sample, 1 … 4; they show its texts in turn.
        template: file of the prompt; None for the package's.
        price: US dollars an answer.
        max_calls: requests sent, each attempt counted, max_cost: US dollars, in all runs of a build together;
            None for no limit. Requests under way when a run was killed count like answered ones.
        retries: of a request that fails, with growing pauses. timeout: seconds.
        concurrency: requests at a time. cache: folder; None for the cache folder.
        min_size: pixels that both sides must have.
        max_bytes: of an answer, and of a picture that is fetched from an address.
        ask_again: buy a picture again whose address has expired before it could be fetched.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        key_variable: str | None = None,
        size: str | None = "1024x1024",
        quality: str | None = None,
        response_format: str | None = None,
        faces: int = 1,
        template: str | None = None,
        price: float = 0.04,
        max_calls: int | None = None,
        max_cost: float | None = None,
        retries: int = 5,
        timeout: float = 120.0,
        concurrency: int = 8,
        cache: str | None = None,
        min_size: int = 64,
        max_bytes: int = 64 << 20,
        ask_again: bool = False,
    ) -> None:
        if concurrency < 1 or retries < 0 or price < 0 or timeout <= 0 or max_bytes < 1:
            raise ConfigError(
                "builder.images: concurrency and max_bytes from 1, retries and price from 0, timeout above 0"
            )
        check_limits("builder.images", max_cost, max_calls)
        self.model, self.base_url, self.key_variable = model, base_url, key_variable
        address = OPENAI_ADDRESS if base_url is None else check_address(base_url)
        variable = key_variable_at(address, key_variable)
        self.endpoint = Endpoint("builder/images=endpoint", model, address, variable, timeout)
        self.size, self.quality, self.response_format = size, quality, response_format
        self.faces, self.template, self.min_size = check_faces(faces), load_template(template), min_size
        self.price, self.max_calls, self.max_cost = price, max_calls, max_cost
        self.retries, self.concurrency = retries, concurrency
        self.max_bytes, self.ask_again = max_bytes, ask_again
        self.cache = Path(cache).expanduser() if cache else cache_root() / "bought_images"

    def parameters(self) -> dict[str, Any]:
        keys = ("model", "base_url", "size", "quality", "faces", "template", "min_size")
        return {"source": "endpoint", **{key: getattr(self, key) for key in keys}}

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        """One call a picture that was not answered before."""
        calls = sum(self._to_buy(row, face) for row in rows for face in range(self.faces))
        return Estimate(calls, calls * self.price)

    def _to_buy(self, row: Row, face: int) -> bool:
        if "texts" not in row:
            return True
        shelf = ImageShelf(self.cache, self.base_url)
        known = shelf.known(shelf.file(self._request(row, face), row["sample_id"], face))
        return known.image is None and (known.address is None or (known.gone and self._buys_again))

    @property
    def _buys_again(self) -> bool:
        return self.ask_again or self.retry > 0

    def process(self, rows: list[Row]) -> list[Row]:
        """
        Raises:
            StoppedError: ``max_cost`` or ``max_calls`` is reached, or the endpoint is down; every answer is
                kept.
        """
        return [
            self.image_row(row, pictures)
            for row, pictures in zip(rows, asyncio.run(self._bought(rows)), strict=True)
        ]

    def pictures(self, row: Row) -> Iterable[Picture]:
        return asyncio.run(self._bought([row]))[0]

    async def _bought(self, rows: list[Row]) -> list[list[Picture]]:
        """The pictures of each sample."""
        places = [(row, face) for row in rows for face in range(self.faces)]
        with Ledger(self.cache / "spending.sqlite") as ledger:
            budget = Budget(ledger, purpose_of(self), self.max_cost, self.max_calls)
            sender = Sender(self.model, budget, self.concurrency, self.retries)
            shelf = ImageShelf(self.cache, self.base_url)
            async with ImageShop(
                self.endpoint, shelf, sender, self.price, self._buys_again, self.max_bytes
            ) as shop:
                jobs = [
                    partial(shop.buy, self._request(*place), place[0]["sample_id"], place[1])
                    for place in places
                ]
                bought = await sender.all(jobs)
        made = [self._picture(*place, each) for place, each in zip(places, bought, strict=True)]
        return [made[start : start + self.faces] for start in range(0, len(made), self.faces)]

    def _picture(self, row: Row, face: int, bought: Bought) -> Picture:
        return Picture(
            text_of_face(row, face), bought.encoded, bought.reason, calls=bought.calls, cost=bought.cost
        )

    def _request(self, row: Row, face: int) -> dict[str, Any]:
        asked = {
            "model": self.model,
            "prompt": prompt(self.template, row, text_of_face(row, face)),
            "size": self.size,
            "quality": self.quality,
            "response_format": self.response_format,
        }
        return {"n": 1, **{key: value for key, value in asked.items() if value is not None}}
