"""The build that benchmarks/soak_build.py kills, what is seen of it, and how two of them compare."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "dataset_builder"))

import stub_chat_server

from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.dataset_builder import RowStore
from emo3d_exp.records import ImageRef

ROOT = Path(__file__).resolve().parents[1]
SLOW = 0.02
"""Seconds that an answer takes, on the average."""
AT_ONCE = 16
PAID = ("calls", "cost")
PATIENCE = 600.0
"""Seconds for one start of the build."""


@contextmanager
def server(faults: float) -> Iterator[stub_chat_server.StubServer]:
    """The misbehaving one, with words enough that texts are not near copies of each other."""
    few = stub_chat_server.WORDS
    stub_chat_server.WORDS = tuple(f"w{number}" for number in range(3000))
    try:
        with stub_chat_server.serve(fault_rate=faults, slow=SLOW) as serving:
            yield serving
    finally:
        stub_chat_server.WORDS = few


def start(folder: Path, url: str, rows: int) -> subprocess.Popen[bytes]:
    """The command line that builds everything below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = ["source=stages", f"out={folder / 'build'}", f"builder.texts.samples={rows}"]
    for stage in ("texts", "emotions"):
        model = f"builder.{stage}.model"
        chosen += [
            f"builder/{stage}=llm", f"builder/model@{model}=local_server", f"{model}.model=stub",
            f"{model}.base_url={url}", f"{model}.timeout=5", f"{model}.retries=4", f"{model}.price_in=1",
            f"{model}.price_out=4", f"{model}.concurrency={AT_ONCE}",
            f"builder.{stage}.cache={folder / 'cache'}",
        ]  # fmt: skip
    chosen += ["builder.texts.texts_per_sample=2", "builder.images.size=64"]
    chosen.append(
        f"builder.images.processes={2 if rows > 200 else 1}"
    )  # to start more takes longer than the work
    cache = os.environ.get("EMO3D_CACHE", str(folder.parent / "emo3d"))
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "build_data.py"), *chosen],
            env={**os.environ, "PYTHONPATH": str(ROOT), "EMO3D_CACHE": cache},
            cwd=folder,
            stdout=log,
            stderr=log,
        )


def state(folder: Path) -> dict[str, dict[str, Any]]:
    """Manifests of the stages that were begun, in the order in which they were."""
    found = []
    for file in (folder / "build").glob("*/manifest.json"):
        manifest = json.loads(file.read_text())
        begun = _depth(manifest, folder)
        found.append((begun, manifest["stage"], manifest))
    return {stage: manifest for _, stage, manifest in sorted(found, key=lambda each: each[:2])}


def _depth(manifest: dict[str, Any], folder: Path) -> float:
    """When a stage's first shard was written, or far from now where there is none."""
    shards = (folder / "build" / manifest["stage"]).glob("[0-9]*.parquet")
    return min((shard.stat().st_mtime for shard in shards), default=float("inf"))


def wait_for(
    process: subprocess.Popen[bytes],
    folder: Path,
    stage: str,
    shards: int,
    calls: int,
    ledger: stub_chat_server.Ledger,
) -> None:
    """Until so many answers were given and, where those do not tell, so many shards of a stage written."""
    store, deadline = RowStore(folder / "build", stage), time.monotonic() + PATIENCE
    while process.poll() is None:
        assert time.monotonic() < deadline, f"nothing of stage {stage} within {PATIENCE} s"
        if len(ledger.paid) >= calls and (
            stage in ("texts", "emotions")
            or (store.manifest_file.is_file() and len(store.shards()) >= shards)
        ):
            return
        time.sleep(0.002)


@dataclass
class Ledgers:
    """What was seen at each kill.

    Attributes:
        killed_in: stage → kills. lost: answers that were on their way, at each kill. received: requests with
            an answer on disk, and how often they had come to the server by then.
    """

    killed_in: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)

    def look(self, ledger: stub_chat_server.Ledger, stored: Counter[str]) -> None:
        """Note which answers the killed build had on disk."""
        self.lost.append(len(ledger.paid) - len(stored) - sum(self.lost))
        for number in stored:
            request = ledger.request_of[number]
            self.received.setdefault(request, ledger.attempts[request])

    def twice(self, ledger: stub_chat_server.Ledger) -> int:
        """Requests that came again though their answer was on disk."""
        return sum(ledger.attempts[request] - then for request, then in self.received.items())


def stored_answers(folder: Path) -> list[str]:
    """Ids of the answers on disk."""
    if not (file := folder / "cache" / "answers.sqlite").is_file():
        return []
    # An error: killed before the file had its tables.
    with sqlite3.connect(file) as kept, suppress(sqlite3.OperationalError):
        return [number for (number,) in kept.execute("SELECT answer_id FROM answers")]
    return []


def differing(whole: Path, killed: Path) -> list[str]:
    """Stages whose rows are not the same, or hold neither a value nor a reason."""
    wrong = [] if list(state(whole)) == list(state(killed)) else ["stages"]
    for stage in state(whole):
        one, other = (rows(folder / "build", stage) for folder in (whole, killed))
        if one != other:
            wrong.append(stage)
        for column in {"texts", "emotions"} & {stage}:
            if any(not row[column] and not row["set_aside"] for row in other):
                wrong.append(f"{stage} without a reason")
    return wrong


def rows(build: Path, stage: str) -> list[dict[str, Any]]:
    """All rows in order, without what they cost, places of pictures replaced by what lies there."""
    columns = [name for name in RowStore(build, stage).columns()[1:] if name not in PAID]
    found = sorted(RowStore(build, stage).rows(columns), key=lambda row: row["sample_id"])
    for row in found:
        for place in ("shard", "row"):
            row.pop(place)
        for face in row.get("faces") or ():
            if place := face.pop("image_location", None):
                encoded = encoded_bytes(ImageRef(f"{build / place}", face["image_key"]))
                face["image"] = sha256(encoded).hexdigest()
    return found
