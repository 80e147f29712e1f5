"""Texts and emotions by a language model that fails, in a build that is killed again and again.

    python benchmarks/soak_llm.py [--rows 2000] [--kills 20] [--faults 0.3] [--seed 0] [--json]

A server on this machine answers from a few words of its own, and to a share of the requests with 429, 500,
503, half a response, none, broken JSON, values out of range, an answer cut off, an empty one, a refusal. One
build runs undisturbed; another, against a server of the same kind, is killed (SIGKILL) at random moments and
started again. Ends with status 1 unless both have the same rows, every row is done or set aside with a
reason, and no answer that the killed build had received was asked for again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "dataset_builder"))

import llm_build
from stub_chat_server import StubServer, serve

from emo3d_exp.dataset_builder import RowStore

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("texts", "emotions")
PAID = ("calls", "cost")
SLOW = 0.02
"""Seconds that an answer takes, on the average."""
AT_ONCE = 16


@dataclass
class Kills:
    """What was seen at each kill.

    Attributes:
        lost: answers that were on their way, at each kill. received: requests with an answer on disk, and how
            often they had come to the server by then.
    """

    lost: list[int] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<32} {value}")
    sys.exit(0 if figures["passed"] else 1)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--faults", type=float, default=0.3, help="share of requests")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    with serve(fault_rate=options.faults, slow=SLOW) as server:
        started = time.monotonic()
        finish(folder / "whole", server, options.rows)
        seconds = time.monotonic() - started
        calls = len(server.ledger.paid)
        twice_undisturbed = server.ledger.paid_again()
    with serve(fault_rate=options.faults, slow=SLOW) as server:
        kills = killed_build(folder / "killed", server, options, calls)
        finish(folder / "killed", server, options.rows)
        twice = sum(server.ledger.attempts[known] - then for known, then in kills.received.items())
        figures = {
            "rows": options.rows,
            "faults": dict(sorted(server.ledger.faults.items())),
            "undisturbed_seconds": round(seconds, 1),
            "answers_undisturbed": calls,
            "answers_killed": len(server.ledger.paid),
            "kills": len(kills.lost),
            "in_flight_at_kills": kills.lost,
            "paid_again": server.ledger.paid_again(),
            "paid_again_beyond_in_flight": twice + twice_undisturbed,
        }
    return figures | compared(folder, options, figures)


def compared(folder: Path, options: argparse.Namespace, figures: dict[str, Any]) -> dict[str, Any]:
    """Whether the two builds have the same rows, and what became of them."""
    found: dict[str, Any] = {}
    for stage in STAGES:
        whole, killed = (rows(folder / build / "build", stage) for build in ("whole", "killed"))
        found[f"{stage}_rows"] = len(killed)
        found[f"{stage}_set_aside"] = sum(row["set_aside"] is not None for row in killed)
        found[f"{stage}_identical"] = whole == killed
        value = "texts" if stage == "texts" else "emotions"
        found[f"{stage}_undecided"] = sum(not row[value] and not row["set_aside"] for row in killed)
    all_there = found["texts_rows"] == options.rows
    all_there &= found["emotions_rows"] == options.rows - found["texts_set_aside"]
    bad = figures["paid_again_beyond_in_flight"] + sum(found[f"{stage}_undecided"] for stage in STAGES)
    same = all(found[f"{stage}_identical"] for stage in STAGES)
    few = max(figures["in_flight_at_kills"], default=0) <= AT_ONCE
    found["passed"] = all_there and same and few and not bad and figures["kills"] == options.kills
    return found


def rows(build: Path, stage: str) -> list[dict[str, Any]]:
    """All rows in order, without what they cost."""
    columns = [name for name in RowStore(build, stage).columns()[1:] if name not in PAID]
    found = sorted(RowStore(build, stage).rows(columns), key=lambda row: row["sample_id"])
    return [{name: row[name] for name in ("sample_id", *columns)} for row in found]


def begun(folder: Path, server: StubServer, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, llm_build.__file__, str(folder), server.url, str(count)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


def finish(folder: Path, server: StubServer, count: int) -> None:
    if status := begun(folder, server, count).wait():
        sys.exit(f"the build ended with status {status}")


def killed_build(folder: Path, server: StubServer, options: argparse.Namespace, calls: int) -> Kills:
    """Start the build and kill it when it has made so many calls, for random numbers of calls."""
    rng, kills = random.Random(options.seed), Kills()
    for moment in sorted(rng.randrange(calls) for _ in range(options.kills)):
        process = begun(folder, server, options.rows)
        time.sleep(rng.random())
        while len(server.ledger.paid) < moment and process.poll() is None:
            time.sleep(0.002)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        look(folder, server, kills)
    return kills


def look(folder: Path, server: StubServer, kills: Kills) -> None:
    """Note which answers the killed build had on disk."""
    while server.ledger.open:
        time.sleep(0.01)
    stored: Counter[str] = Counter()
    if (file := folder / "cache" / "answers.sqlite").is_file():
        # An error: killed before the file had its tables.
        with sqlite3.connect(file) as kept, suppress(sqlite3.OperationalError):
            stored.update(number for (number,) in kept.execute("SELECT answer_id FROM answers"))
    ledger = server.ledger
    before = sum(kills.lost)
    kills.lost.append(len(ledger.paid) - len(stored) - before)
    for number in stored:
        request = ledger.request_of[number]
        kills.received.setdefault(request, ledger.attempts[request])


if __name__ == "__main__":
    main()
