"""Pictures by an image model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.image_prompts import load_template, prompt
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture, check_faces, text_of_face
from emo3d_exp.dataset_builder.paid_images import Budget, ImageShop
from emo3d_exp.dataset_builder.stage import Estimate, Row
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import cache_root


class EndpointImages(ImageStage):
    """Asks for every picture once. What was paid for lies in the cache folder and is not paid again, also
    after a run that was killed; its row tells what it cost when it was bought.

    Args:
        model: name at the endpoint. base_url: of the endpoint; None for OpenAI's.
        api_key_variable: environment variable that holds the key; no key is needed at a base_url.
        size, quality, response_format: as the endpoint knows them; None leaves them out.
        faces: pictures a sample, 1 … 4; they show its texts in turn.
        template: file of the prompt; None for the package's.
        price: US dollars a picture. max_calls, max_cost: of one run, which then stops; None for no limit.
        retries: of a request that fails, with growing pauses. timeout: seconds.
        concurrency: requests at a time. cache: folder; None for the cache folder.
        min_size: pixels that both sides must have.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key_variable: str = "OPENAI_API_KEY",
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
    ) -> None:
        if concurrency < 1 or retries < 0 or price < 0:
            raise ConfigError("builder.images: concurrency from 1, retries and price from 0")
        self.model, self.base_url, self.api_key_variable = model, base_url, api_key_variable
        self.size, self.quality, self.response_format = size, quality, response_format
        self.faces, self.template, self.min_size = check_faces(faces), load_template(template), min_size
        self.price, self.max_calls, self.max_cost = price, max_calls, max_cost
        self.retries, self.timeout, self.concurrency = retries, timeout, concurrency
        self.cache = Path(cache).expanduser() if cache else cache_root() / "bought_images"

    def parameters(self) -> dict[str, Any]:
        keys = ("model", "base_url", "size", "quality", "faces", "template", "min_size")
        return {"source": "endpoint", **{key: getattr(self, key) for key in keys}}

    @cached_property
    def _shop(self) -> ImageShop:
        budget = Budget(self.max_calls, self.max_cost)
        return ImageShop(
            self.base_url,
            self.api_key_variable,
            self.price,
            budget,
            self.retries,
            self.timeout,
            self.cache,
        )

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        """One call a picture that is not in the cache."""
        calls = sum(
            "texts" not in row or self._shop.known(self._request(row, face), row["sample_id"], face) is None
            for row in rows
            for face in range(self.faces)
        )
        return Estimate(calls, calls * self.price)

    def process(self, rows: list[Row]) -> list[Row]:
        jobs = [(row, face) for row in rows for face in range(self.faces)]
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="images") as pool:
            pictures = list(pool.map(self._picture, jobs))
        spans = (pictures[start : start + self.faces] for start in range(0, len(jobs), self.faces))
        return [self.image_row(row, span) for row, span in zip(rows, spans, strict=True)]

    def pictures(self, row: Row) -> Iterable[Picture]:
        return [self._picture((row, face)) for face in range(self.faces)]

    def _picture(self, job: tuple[Row, int]) -> Picture:
        row, face = job
        bought = self._shop.buy(self._request(row, face), row["sample_id"], face)
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
