"""Runs stages in order; each goes on where it stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.progress import Progress

from emo3d_exp.dataset_builder.executors import LocalExecutor
from emo3d_exp.dataset_builder.inputs import blocks_left, check_names, joined_rows
from emo3d_exp.dataset_builder.manifests import (
    REASONS,
    Manifest,
    begin,
    counted,
    has_all_shards,
    identity_of,
    in_words,
    readable,
    state_of,
)
from emo3d_exp.dataset_builder.progress_bars import stage_bars
from emo3d_exp.dataset_builder.retrying import RETRYING, begin_retry, retry_under_way
from emo3d_exp.dataset_builder.screening import ScreeningStage, screens_of, with_screens
from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE, Row, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import DataError, StoppedError

log = logging.getLogger(__name__)


class Executor(Protocol):
    """Computes blocks of rows, here or elsewhere."""

    def map(self, stage: Stage, blocks: Sequence[list[Row]]) -> Iterable[list[Row]]:
        """``stage.process`` of every block, in order."""
        ...


def run_stages(
    build: Path,
    stages: Sequence[Stage],
    only: Sequence[str] | None = None,
    executor: Executor | None = None,
    progress: bool = True,
    limit: int | None = None,
    retry: bool = False,
) -> dict[str, Manifest]:
    """Bring the rows of the stages up to date.

    Args:
        build: folder with one folder a stage.
        stages: in an order in which every stage comes after those it reads.
        only: names of the stages to run, with the screening stages before them; None for all. What they read
            must be complete.
        executor: by default processes of this machine.
        progress: show it on the terminal.
        limit: only the first so many samples of every stage, which then stays incomplete; what is read may be
            incomplete too. None for all.
        retry: try samples again that were set aside, or lack something. One that was stopped is gone on with,
            by a run without ``retry`` too.

    Returns:
        The manifests of the stages that were run, by name.

    Raises:
        ConfigError: an unknown stage, or rows made with other parameters are in the way.
        DataError: a stage that is read has not been completed, or a shard is damaged.
    """
    check_names(stages, only)
    _check_left(build, with_screens(stages, only))
    manifests = {}
    with stage_bars(progress) as bars:
        for stage in with_screens(stages, only):
            # What is screened follows from the inputs: trying it again would change nothing.
            again = retry and not isinstance(stage, ScreeningStage)
            work = _Work(build, stage, limit, again, screens_of(stage, stages))
            manifests[stage.name] = _run(work, executor or LocalExecutor(), bars)
    return manifests


def _check_left(build: Path, stages: Sequence[Stage]) -> None:
    """Let the stages that have work to do say what they lack."""
    for stage in stages:
        if not (RowStore(build, stage.name).manifest() or {}).get("complete"):
            stage.check()


@dataclass(frozen=True)
class _Work:
    build: Path
    stage: Stage
    limit: int | None
    retry: bool
    screens: tuple[str, ...]


def _run(work: _Work, executor: Executor, bars: Progress) -> Manifest:
    stage, started = work.stage, time.monotonic()
    store = RowStore(work.build, stage.name)
    inputs = {
        name: readable(work.build, name, stage.name, partial=work.limit is not None)
        for name in (*stage.reads, *work.screens)
    }
    manifest = begin(
        store, stage, identity_of(stage, {name: inputs[name]["identity"] for name in stage.reads})
    )
    stage.build, stage.begun = work.build.absolute(), manifest.get("begun", "")
    input_states = {name: state_of(RowStore(work.build, name), known) for name, known in inputs.items()}
    if manifest["complete"]:
        store.check_shards(manifest.get("files", {}))
    known = not _forget(work, store, manifest, input_states) and has_all_shards(store, manifest)
    stage.retry = retry_under_way(manifest)
    if known and stage.reads:
        return _already(manifest)
    rows = stage.source() if not stage.reads else _inputs(work)
    if known and len(rows) <= manifest["rows"]:
        return _already(manifest, len(rows))
    wanted = rows if work.limit is None else rows[: work.limit]
    _make(work, store, wanted, executor, bars)
    whole = len(wanted) == len(rows) and all(known["complete"] for known in inputs.values())
    earlier = {
        key: value
        for key, value in manifest.items()
        if key not in (SET_ASIDE, REASONS, CALLS, COST, RETRYING)
    }
    manifest = earlier | counted(store) | {"complete": whole, "inputs": input_states}
    store.write_manifest(manifest)
    log.info("%s: %s in %.1f s", stage.name, in_words(manifest), time.monotonic() - started)
    return manifest


def _inputs(work: _Work) -> list[Row]:
    return joined_rows(work.build, work.stage, work.limit is not None, work.screens)


def _already(manifest: Manifest, asked: int | None = None) -> Manifest:
    log.info("%s: complete, %d rows", manifest["stage"], manifest["rows"])
    if asked is not None and asked < manifest["rows"]:
        log.warning("%s: only %d rows are asked for; the others stay", manifest["stage"], asked)
    return manifest


def _forget(work: _Work, store: RowStore, manifest: Manifest, inputs: dict[str, str]) -> bool:
    """Remove rows that are to be made again; whether the stage has anything to do because of them or of
    inputs that are others now."""
    others = manifest["inputs"] != inputs
    begin_retry(store, manifest, work.retry, work.stage.ask_again)
    if work.stage.shard_rows is None and others:
        # A process that is killed from here on must not leave a stage that seems complete.
        manifest["complete"] = False
        store.write_manifest(manifest)
        store.clear()  # it looks at all rows together
    return others or not manifest["complete"]


def _make(work: _Work, store: RowStore, rows: list[Row], executor: Executor, bars: Progress) -> None:
    """Process and append the rows that are not there yet."""
    stage, done = work.stage, store.sample_ids()
    if stage.shard_rows is None and done != {row["sample_id"] for row in rows}:
        store.clear()  # it looks at all rows together, also at those that were done
        done = set()
    blocks = blocks_left(rows, done, stage.shard_rows or max(1, len(rows)))
    left = sum(len(block) for _, block in blocks)
    task = bars.add_task(stage.name, total=len(rows), completed=len(rows) - left)
    try:
        for (number, block), made in zip(blocks, executor.map(stage, [b for _, b in blocks]), strict=True):
            _check(stage, block, made)
            store.append(number, made, stage.schema())
            left -= len(made)
            bars.advance(task, len(made))
    except StoppedError as error:
        raise StoppedError(f"{error} ({left} of {len(rows)} rows of stage {stage.name} are left)") from error


def _check(stage: Stage, block: list[Row], made: list[Row]) -> None:
    if [row["sample_id"] for row in block] != [row["sample_id"] for row in made]:
        raise DataError(f"stage {stage.name} returned other samples than it was given")
