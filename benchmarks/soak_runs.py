"""Trainings, sweeps, embeddings and evaluations that are killed at random moments and started again.

    python benchmarks/soak_runs.py [--kills 100] [--only training,sweep,…] [--seed 0] [--json]

Each task runs once undisturbed. Then it is begun in a folder of its own, killed (SIGKILL) at a random moment
and given again as documented until it has ended, and begun anew until it was killed often enough. After
every kill each file that looks whole must be readable, and what the task leaves in the end must equal the
undisturbed result. Ends with status 1 where one does not.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from commands import Command, Done
from killed_tasks import TASKS, Task
from left_behind import unreadable

MOST_STARTS = 60
"""Of one task in one folder, after which it does not seem to get on."""


@dataclass
class Seen:
    """What a campaign has seen of one task.

    Attributes:
        kills: processes killed. ended: times that the task was brought to its end. starts: processes begun.
        corrupt: files that looked whole and were not. lost: ends that differ from the undisturbed one.
        refused: starts that ended badly, with the last line of what they said.
        seconds: that the task took from its beginning to its end the last time it was let alone.
    """

    kills: int = 0
    ended: int = 0
    starts: int = 0
    seconds: float = 0.0
    corrupt: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.corrupt or self.lost or self.refused) and self.ended > 0


def main() -> None:
    options = parsed()
    names = options.only.split(",") if options.only else list(TASKS)
    with tempfile.TemporaryDirectory(prefix="soak-runs-") as folder:
        rng = random.Random(options.seed)
        kills = -(-options.kills // len(names))
        seen = {name: campaign(TASKS[name](Path(folder) / name), kills, rng) for name in names}
    figures = {name: asdict(each) | {"passed": each.passed} for name, each in seen.items()}
    print(json.dumps(figures, indent=2) if options.json else in_words(seen))
    sys.exit(0 if all(each.passed for each in seen.values()) else 1)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="of all tasks together")
    parser.add_argument("--only", default="", help=f"tasks, by commas: {', '.join(TASKS)}")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    return parser.parse_args()


def in_words(seen: dict[str, Seen]) -> str:
    lines = [f"{'task':<12} kills  ended  starts  seconds  corrupt  lost  refused"]
    for name, each in seen.items():
        told = f"{each.kills:>5} {each.ended:>6} {each.starts:>7} {each.seconds:>8.1f}"
        lines.append(f"{name:<12} {told} {len(each.corrupt):>8} {len(each.lost):>5} {len(each.refused):>8}")
        lines += [f"    {line}" for line in (*each.corrupt, *each.lost, *each.refused)]
    return "\n".join(lines)


def campaign(task: Task, kills: int, rng: random.Random) -> Seen:
    """Kill a task so many times."""
    seen = Seen()
    task.prepare()
    whole = task.folder / "whole"
    seen.seconds = undisturbed(task, whole)
    again = task.folder / "again"
    seen.seconds = undisturbed(task, again)  # the first one has warmed the caches
    wanted, attempt = task.result(whole), 0
    compare(again.name, wanted, task.result(again), seen)
    while seen.kills < kills and not seen.refused:
        attempt += 1
        folder = task.folder / f"killed-{attempt}"
        if bring_to_its_end(task, folder, seen, kills, rng):
            compare(folder.name, wanted, task.result(folder), seen)
        shutil.rmtree(folder, ignore_errors=True)
        print(f"{task.folder.name}: {seen.kills} of {kills} kills", file=sys.stderr, flush=True)
    return seen


def undisturbed(task: Task, folder: Path) -> float:
    task.begin(folder)
    began = time.monotonic()
    done = Command(task.cache, folder, *task.command(folder)).wait()
    if done.returncode:
        sys.exit(f"the undisturbed task failed: {done.stdout}\n{done.stderr}")
    return time.monotonic() - began


def bring_to_its_end(task: Task, folder: Path, seen: Seen, kills: int, rng: random.Random) -> bool:
    """Kill and start again until the task ends by itself."""
    task.begin(folder)
    for number in range(MOST_STARTS):
        began = time.monotonic()
        moment = rng.uniform(0.0, seen.seconds) if seen.kills < kills else None
        done = started(task, folder, moment)
        seen.starts += 1
        seen.corrupt += [f"{folder.name}: {each}" for each in unreadable(folder)]
        if done.returncode == -signal.SIGKILL:
            seen.kills += 1
        elif done.returncode:
            seen.refused.append((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
            return False
        else:
            seen.ended += 1
            if number == 0:
                seen.seconds = time.monotonic() - began
            return True
    seen.refused.append(f"{folder.name}: not at its end after {MOST_STARTS} starts")
    return False


def started(task: Task, folder: Path, moment: float | None) -> Done:
    """One process of the task, killed after ``moment`` seconds unless it has ended by then."""
    process = Command(task.cache, folder, *task.command(folder))
    if moment is not None:
        until = time.monotonic() + moment
        while process.running and time.monotonic() < until:
            time.sleep(0.005)
        if process.running:
            process.send(signal.SIGKILL)
    return process.wait()


def compare(name: str, wanted: dict[str, str], found: dict[str, str], seen: Seen) -> None:
    differing = [key for key in {*wanted, *found} if wanted.get(key) != found.get(key)]
    if differing:
        seen.lost.append(f"{name}: other {', '.join(sorted(differing))}")


if __name__ == "__main__":
    main()
