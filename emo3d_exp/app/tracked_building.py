"""A build of a data set as a run of its own: what each stage made, set aside, asked and paid."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.tracked_names import is_tracked, short_tags
from emo3d_exp.runs import RunFolder, write_json

log = logging.getLogger(__name__)

COUNTS = ("rows", "set_aside", "calls", "cost")
"""Of a stage's manifest: samples, samples of them that were given up, questions to models, dollars."""


@contextmanager
def tracked_build(cfg: DictConfig, place: Path, built: Path) -> Iterator[None]:
    """Track what is built within the block, where ``tracking=…`` asks for it.

    A build that goes on continues its page; one that fails leaves the counts of what was there by then.

    Args:
        place: folder that the tracker writes to. built: folder of the stages.
    """
    if not is_tracked(cfg):
        yield
        return
    noted = RunFolder(place).tracking_file
    known = json.loads(noted.read_text(encoding="utf-8")) if noted.is_file() else {}
    tracker, started = instantiate(cfg.tracking), time.monotonic()
    tracker.start(
        run_dir=place,
        config=OmegaConf.to_container(cfg, resolve=True),
        name=place.name,
        group="builds",
        tags=build_tags(cfg),
        job_type="build",
        resume_id=known.get("run_id"),
    )
    if tracker.run_id is not None:
        write_json(noted, {"run_id": tracker.run_id})
    exit_code = 1
    try:
        yield
        exit_code = 0
    finally:
        tracker.summary(build_counts(built) | {"seconds": time.monotonic() - started})
        tracker.finish(exit_code)
    log.info(tracker.where())


def build_counts(folder: Path) -> dict[str, float]:
    """``<stage>/rows``, ``…/set_aside``, ``…/calls``, ``…/cost`` ($) and ``…/complete`` (0 or 1) of each
    stage that was begun, by its manifest; the same names without a stage: all but the rows summed up."""
    counts: dict[str, float] = {}
    totals = dict.fromkeys(COUNTS[1:], 0.0)
    for file in sorted(folder.glob("*/manifest.json")):
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        counts |= {f"{file.parent.name}/{name}": float(manifest.get(name, 0)) for name in COUNTS}
        counts[f"{file.parent.name}/complete"] = float(bool(manifest.get("complete")))
        for name in totals:
            totals[name] += float(manifest.get(name, 0))
    return counts | totals if counts else {}


def build_tags(cfg: DictConfig) -> list[str]:
    """The source, and for a build of one's own which choice makes each stage, such as ``texts=llm``."""
    chosen = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    stages = [key for key in chosen if str(key).startswith("builder/")] if cfg.source == "stages" else []
    return short_tags([str(cfg.source), *(f"{key.removeprefix('builder/')}={chosen[key]}" for key in stages)])
