"""A whole build, from a language model that fails to the final table, that is killed again and again.

    python benchmarks/soak_build.py [--rows 2000] [--kills 20] [--faults 0.3] [--seed 0] [--json]

A server on this machine answers from made-up words, and to a share of the requests with 429, 500, 503, half a
response, none, broken JSON, values out of range, an answer cut off, an empty one, a refusal. One build by
``python build_data.py source=stages`` runs undisturbed; another, against a server of the same kind, is killed
(SIGKILL, with its processes left to find that out) at random moments of all its stages and started again.
Ends with status 1 unless both have the same rows in all stages and the same final table, picture by picture,
every row is done or set aside with a reason, and no answer that the killed build had received was asked for
again.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from soaked_build import AT_ONCE, Ledgers, differing, server, start, state, stored_answers, wait_for


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        figures = measure(Path(folder), options.rows, options.kills, options.faults, options.seed)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<28} {value}")
    sys.exit(0 if figures["passed"] else 1)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--faults", type=float, default=0.3, help="share of requests")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    return parser.parse_args()


def measure(folder: Path, rows: int, kills: int, faults: float, seed: int) -> dict[str, Any]:
    """Both builds below ``folder``, and how they compare."""
    whole, killed = folder / "whole", folder / "killed"
    with server(faults) as asked:
        began = time.monotonic()
        finish(whole, asked.url, rows)
        seconds = time.monotonic() - began
        answers, again = len(asked.ledger.paid), asked.ledger.paid_again()
    with server(faults) as asked:
        seen = killed_build(killed, asked, rows, moments(state(whole), kills, seed))
        finish(killed, asked.url, rows)
        twice = again + seen.twice(asked.ledger)
        figures = {
            "rows": rows,
            "faults": dict(sorted(asked.ledger.faults.items())),
            "undisturbed_seconds": round(seconds, 1),
            "answers_undisturbed": answers,
            "answers_killed": len(asked.ledger.paid),
            "kills": sum(seen.killed_in.values()),
            "killed_in": dict(seen.killed_in),
            "in_flight_at_kills": seen.lost,
            "paid_again": asked.ledger.paid_again(),
            "paid_again_beyond_in_flight": twice,
        }
    manifests = state(killed)
    for stage, manifest in manifests.items():
        figures[f"{stage}_rows"] = f"{manifest['rows']}, {manifest.get('set_aside', 0)} of them set aside"
    figures["differing"] = differing(whole, killed)
    complete = all(manifest["complete"] for manifest in manifests.values())
    figures["passed"] = (
        complete and not figures["differing"] and not twice and figures["kills"] == kills
        and max(seen.lost, default=0) <= AT_ONCE and manifests["texts"]["rows"] == rows
    )  # fmt: skip
    return figures


def moments(manifests: dict[str, dict[str, Any]], kills: int, seed: int) -> list[tuple[str, float, int]]:
    """Random moments, in order, as many in every stage: the stage, the share of it that is done, and the
    number of answers by then."""
    rng, stages = random.Random(seed), list(manifests)
    # From the last stage on: the table is what all kills are about.
    chosen = sorted((len(stages) - 1 - number % len(stages), rng.random()) for number in range(kills))
    found = []
    for place, share in chosen:
        calls = [manifest.get("calls", 0) for manifest in manifests.values()]
        found.append((stages[place], share, int(sum(calls[:place]) + share * calls[place])))
    return found


def killed_build(folder: Path, asked: Any, rows: int, chosen: list[tuple[str, float, int]]) -> Ledgers:
    """Start the build and kill it, for every moment."""
    rng, seen = random.Random(len(chosen)), Ledgers()
    shards = {stage: manifest["shards"] for stage, manifest in state(folder.with_name("whole")).items()}
    for stage, share, calls in chosen:
        process = start(folder, asked.url, rows)
        wait_for(process, folder, stage, int(share * shards[stage]), calls, asked.ledger)
        time.sleep(0.05 * rng.random())
        if process.poll() is not None:
            break
        under_way = next((name for name, known in state(folder).items() if not known["complete"]), "between")
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.killed_in[under_way] += 1
        while asked.ledger.open:
            time.sleep(0.01)
        seen.look(asked.ledger, Counter(stored_answers(folder)))
    return seen


def finish(folder: Path, url: str, rows: int) -> None:
    if status := start(folder, url, rows).wait():
        sys.exit(f"the build ended with status {status}: {(folder / 'log').read_text()[-2000:]}")


if __name__ == "__main__":
    main()
