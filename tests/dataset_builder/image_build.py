"""A build whose pictures are bought, and a script that runs it until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from build_beginnings import SomeEmotions, SomeTexts
from stub_image_server import ImageServer

from emo3d_exp.dataset_builder import EndpointImages, RowStore, run_stages

PRICE = 0.5


def stage(server: ImageServer | str, **settings: Any) -> EndpointImages:
    url = server if isinstance(server, str) else server.url
    settings = {"price": PRICE, "retries": 2, "concurrency": 2} | settings
    return EndpointImages("painter", base_url=url, **settings)


def built(folder: Path, count: int, images: EndpointImages, retry: bool = False) -> dict[str, Any]:
    """The manifest of the stage."""
    stages = [SomeTexts(count), SomeEmotions(), images]
    return run_stages(folder, stages, progress=False, retry=retry)["images"]


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows in order, without where they lie."""
    store = RowStore(folder, "images")
    found = sorted(store.rows(store.columns()[1:]), key=lambda row: row["sample_id"])
    return [{name: row[name] for name in row if name not in ("shard", "row")} for row in found]


if __name__ == "__main__":
    target, address, samples = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    images = stage(address, faces=2, concurrency=4, cache=str(target / "cache"))
    built(target / "build", samples, images)
