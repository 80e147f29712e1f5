"""The two stages that ask a language model, and a script that runs them until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder import LLMEmotions, LLMTexts, OpenAIChat, RowStore, Stage, run_stages

PRICES = {"price_in": 1.0, "price_out": 4.0}
COST = (200 * 1.0 + 50 * 4.0) / 1e6
"""Of one answer of the stub server, US dollars."""
PLAN = {
    "styles": {"face": "what the face looks like", "told": "what happened"},
    "intensities": {"slight": 0.3, "intense": 0.9},
    "themes": ["work", "rain"],
    "texts_per_sample": 2,
}


def chat(url: str, **settings: Any) -> OpenAIChat:
    given = {"key_variable": None, "timeout": 5.0, "retries": 4, "concurrency": 16, **PRICES, **settings}
    return OpenAIChat("stub", url, **given)


def texts(url: str, samples: int, cache: Path | str, **settings: Any) -> LLMTexts:
    model = settings.pop("model", None) or chat(url)
    return LLMTexts(model, samples, **{**PLAN, "cache": str(cache), **settings})


def stages(url: str, samples: int, cache: Path | str, **model: Any) -> list[Stage]:
    asked = chat(url, **model)
    return [texts(url, samples, cache, model=asked), LLMEmotions(asked, cache=str(cache))]


def rows(build: Path, stage: str) -> list[dict[str, Any]]:
    """All rows of a stage in order, with every column but where they lie."""
    store = RowStore(build, stage)
    found = sorted(store.rows(store.columns()[1:]), key=lambda row: row["sample_id"])
    return [{name: row[name] for name in row if name not in ("shard", "row")} for row in found]


if __name__ == "__main__":
    folder, url, samples = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if sys.argv[4:] == ["retry"]:
        again = texts(url, samples, folder / "cache", ask_again=True)
        run_stages(folder / "build", [again], progress=False, retry=True)
    else:
        run_stages(folder / "build", stages(url, samples, folder / "cache"), progress=False)
