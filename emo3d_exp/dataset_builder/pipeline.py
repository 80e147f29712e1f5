"""Runs stages in order; each goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from emo3d_exp.dataset_builder.executors import LocalExecutor
from emo3d_exp.dataset_builder.stage import Row, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import ConfigError, DataError

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
) -> dict[str, dict[str, Any]]:
    """Bring the rows of the stages up to date.

    Args:
        build: folder with one folder a stage.
        stages: in an order in which every stage comes after those it reads.
        only: names of the stages to run; None for all. What they read must be complete.
        executor: by default processes of this machine.
        progress: show it on the terminal.

    Returns:
        The manifests of the stages that were asked for, by name.

    Raises:
        ConfigError: an unknown stage, or rows made with other parameters are in the way.
        DataError: a stage that is read has not been completed.
    """
    names = [stage.name for stage in stages]
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        raise ConfigError(f"stage={','.join(unknown)}: choose from {', '.join(names)}")
    manifests = {}
    with _progress(progress) as bars:
        for stage in stages:
            if only is None or stage.name in only:
                manifests[stage.name] = _run(build, stage, executor or LocalExecutor(), bars)
    return manifests


def _progress(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        disable=not shown,
    )


def _run(build: Path, stage: Stage, executor: Executor, bars: Progress) -> dict[str, Any]:
    started = time.monotonic()
    store = RowStore(build, stage.name)
    inputs = {name: _complete(build, name, stage.name) for name in stage.reads}
    identity = _identity(stage, inputs)
    manifest = _begin(store, stage, identity)
    input_hashes = {name: known["content_hash"] for name, known in inputs.items()}
    if manifest["complete"] and manifest["inputs"] == input_hashes:
        log.info("%s: complete, %d rows", stage.name, manifest["rows"])
        return manifest
    rows = stage.source() if not stage.reads else _joined(build, stage)
    done = store.sample_ids()
    blocks = _blocks(rows, done, stage.shard_rows or max(1, len(rows)))
    task = bars.add_task(stage.name, total=len(rows), completed=len(rows) - sum(len(b) for _, b in blocks))
    for (number, block), made in zip(blocks, executor.map(stage, [b for _, b in blocks]), strict=True):
        _check(stage, block, made)
        store.append(number, made, stage.schema())
        bars.advance(task, len(made))
    manifest |= {
        "complete": True,
        "rows": len(rows),
        "shards": len(store.shards()),
        "inputs": input_hashes,
        "content_hash": store.content_hash(),
    }
    store.write_manifest(manifest)
    log.info("%s: %d rows in %.1f s", stage.name, len(rows), time.monotonic() - started)
    return manifest


def _complete(build: Path, name: str, reader: str) -> dict[str, Any]:
    manifest = RowStore(build, name).manifest()
    if manifest is None or not manifest["complete"]:
        raise DataError(f"stage {reader} reads stage {name}, which is not complete in {build}: run it first")
    return manifest


def _identity(stage: Stage, inputs: dict[str, dict[str, Any]]) -> str:
    parts = [stage.name, stage.parameters(), {name: known["identity"] for name, known in inputs.items()}]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _begin(store: RowStore, stage: Stage, identity: str) -> dict[str, Any]:
    """The stage's manifest; a new one where it was never begun. What a killed process left half goes."""
    store.clean()
    manifest = store.manifest()
    if manifest is None:
        manifest = {
            "stage": stage.name,
            "identity": identity,
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


def _joined(build: Path, stage: Stage) -> list[Row]:
    """Input rows in the order of sample ids: the columns that the stage reads, side by side."""
    joined: dict[int, Row] = {}
    for number, (name, columns) in enumerate(stage.reads.items()):
        found = 0
        for row in RowStore(build, name).rows(columns):
            sample = row["sample_id"]
            if number == 0:
                joined[sample] = {"sample_id": sample}
            if sample in joined:
                found += 1
                joined[sample] |= {column: row[column] for column in columns}
                joined[sample] |= {f"{name}_shard": row["shard"], f"{name}_row": row["row"]}
        if found < len(joined):
            raise DataError(f"stage {stage.name}: {len(joined) - found} samples have no row in stage {name}")
    return [joined[sample] for sample in sorted(joined)]


def _blocks(rows: list[Row], done: set[int], size: int) -> list[tuple[int, list[Row]]]:
    """What is left to do, in blocks whose bounds do not depend on what is done."""
    left = [(place // size, row) for place, row in enumerate(rows) if row["sample_id"] not in done]
    return [(n, [row for _, row in group]) for n, group in groupby(left, key=lambda item: item[0])]


def _check(stage: Stage, block: list[Row], made: list[Row]) -> None:
    if [row["sample_id"] for row in block] != [row["sample_id"] for row in made]:
        raise DataError(f"stage {stage.name} returned other samples than it was given")
