"""Runs stages in order; each goes on where it stopped."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from emo3d_exp.dataset_builder.executors import LocalExecutor
from emo3d_exp.dataset_builder.inputs import blocks_left, check_names, identity_of, joined_rows
from emo3d_exp.dataset_builder.screening import ScreeningStage, screens_of, with_screens
from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE, Row, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import ConfigError, DataError, StoppedError

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
) -> dict[str, dict[str, Any]]:
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
        retry: first forget the samples that a stage set aside, so that they are tried again.

    Returns:
        The manifests of the stages that were run, by name.

    Raises:
        ConfigError: an unknown stage, or rows made with other parameters are in the way.
        DataError: a stage that is read has not been completed.
    """
    check_names(stages, only)
    manifests = {}
    with _progress(progress) as bars:
        for stage in with_screens(stages, only):
            # What is screened follows from the inputs: trying it again would change nothing.
            again = retry and not isinstance(stage, ScreeningStage)
            work = _Work(build, stage, limit, again, screens_of(stage, stages))
            manifests[stage.name] = _run(work, executor or LocalExecutor(), bars)
    return manifests


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


def _progress(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        disable=not shown,
    )


@dataclass(frozen=True)
class _Work:
    build: Path
    stage: Stage
    limit: int | None
    retry: bool
    screens: tuple[str, ...]


def _run(work: _Work, executor: Executor, bars: Progress) -> dict[str, Any]:
    stage, started = work.stage, time.monotonic()
    store = RowStore(work.build, stage.name)
    inputs = {name: _readable(work, name) for name in (*stage.reads, *work.screens)}
    manifest = _begin(store, stage, identity_of(stage, inputs))
    stage.build, stage.begun = work.build.absolute(), manifest.get("begun", "")
    input_hashes = {name: known["content_hash"] for name, known in inputs.items()}
    known = not _forget(work, store, manifest, input_hashes) and manifest["complete"]
    known = known and len(store.shards()) == manifest["shards"]  # none was deleted since
    if known and stage.reads:
        return _already(manifest)
    rows = stage.source() if not stage.reads else _inputs(work)
    if known and len(rows) <= manifest["rows"]:
        return _already(manifest, len(rows))
    wanted = rows if work.limit is None else rows[: work.limit]
    _make(work, store, wanted, executor, bars)
    whole = len(wanted) == len(rows) and all(known["complete"] for known in inputs.values())
    earlier = {key: value for key, value in manifest.items() if key not in (SET_ASIDE, CALLS, COST)}
    manifest = earlier | _counted(store) | {"complete": whole, "inputs": input_hashes}
    store.write_manifest(manifest)
    log.info("%s: %s in %.1f s", stage.name, _told(manifest), time.monotonic() - started)
    return manifest


def _inputs(work: _Work) -> list[Row]:
    return joined_rows(work.build, work.stage, work.limit is not None, work.screens)


def _already(manifest: dict[str, Any], asked: int | None = None) -> dict[str, Any]:
    log.info("%s: complete, %d rows", manifest["stage"], manifest["rows"])
    if asked is not None and asked < manifest["rows"]:
        log.warning("%s: only %d rows are asked for; the others stay", manifest["stage"], asked)
    return manifest


def _forget(work: _Work, store: RowStore, manifest: dict[str, Any], inputs: dict[str, str]) -> bool:
    """Remove rows that are to be made again; whether the stage has anything to do because of them or of
    inputs that are others now."""
    others = manifest["inputs"] != inputs
    noted = store.count(SET_ASIDE) if work.retry else 0
    whole = work.stage.shard_rows is None and others
    if manifest["complete"] and (noted or whole):
        # A process that is killed from here on must not leave a stage that seems complete.
        manifest["complete"] = False
        store.write_manifest(manifest)
    if noted:
        log.info("%s: %d samples that were set aside are tried again", work.stage.name, noted)
        store.blank_noted(SET_ASIDE)
    if whole:
        store.clear()  # it looks at all rows together
    return bool(noted or others)


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


def _counted(store: RowStore) -> dict[str, Any]:
    """What a manifest says of the rows that are there."""
    counts: dict[str, Any] = {"rows": len(store.sample_ids()), "shards": len(store.shards())}
    if aside := store.count(SET_ASIDE):
        counts[SET_ASIDE] = aside
    if calls := store.total(CALLS):
        counts |= {CALLS: int(calls), COST: store.total(COST)}
    return counts | {"content_hash": store.content_hash()}


def _told(manifest: dict[str, Any]) -> str:
    told = f"{manifest['rows']} rows"
    if manifest.get(SET_ASIDE):
        told += f", {manifest[SET_ASIDE]} of them set aside"
    if manifest.get(CALLS):
        told += f", {manifest[CALLS]} calls for ${manifest[COST]:.2f}"
    return told


def _readable(work: _Work, name: str) -> dict[str, Any]:
    """The manifest of a stage that is read, which must be complete unless only a part is asked for."""
    if work.limit is None:
        return _complete(work.build, name, work.stage.name)
    manifest = RowStore(work.build, name).manifest()
    if manifest is None or "content_hash" not in manifest:
        raise DataError(
            f"stage {work.stage.name} reads stage {name}, which has not ended once in {work.build}: run it "
            "first"
        )
    return manifest


def _complete(build: Path, name: str, reader: str) -> dict[str, Any]:
    manifest = RowStore(build, name).manifest()
    if manifest is None or not manifest["complete"]:
        raise DataError(f"stage {reader} reads stage {name}, which is not complete in {build}: run it first")
    return manifest


def _begin(store: RowStore, stage: Stage, identity: str) -> dict[str, Any]:
    """The stage's manifest; a new one where it was never begun. What a killed process left half goes."""
    store.clean()
    manifest = store.manifest()
    if manifest is None:
        manifest = {
            "stage": stage.name,
            "identity": identity,
            "begun": uuid.uuid4().hex,
            "parameters": stage.parameters(),
            "inputs": {},
            "complete": False,
        }
        store.write_manifest(manifest)
    elif manifest["identity"] != identity:
        raise ConfigError(
            f"{store.folder} holds rows that were made with other parameters or other inputs: "
            f"{json.dumps(manifest['parameters'])}, now {json.dumps(stage.parameters())}. Choose another "
            "folder, or delete that one to make them again"
        )
    return manifest


def _check(stage: Stage, block: list[Row], made: list[Row]) -> None:
    if [row["sample_id"] for row in block] != [row["sample_id"] for row in made]:
        raise DataError(f"stage {stage.name} returned other samples than it was given")
