"""The end of a sweep: which jobs failed and how to run them again, and which are the best."""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict

from emo3d_exp.app.jobs import SWEEP, alone, as_hydra_reads, sweep_records
from emo3d_exp.runs import JobRecord, RunFolder, read_jobs
from emo3d_exp.sweeping.trial import TRIAL_FILE

log = logging.getLogger(__name__)
BEST = 5
LONGEST = 300
"""Letters of an error that the table shows; ``train.log`` of the job has all."""


@dataclass(frozen=True)
class Sweep:
    """Jobs that one command runs: the folder that they write to, a name of the command's own, and how many
    there are, where that is known before.
    """

    folder: Path
    name: str
    jobs: int | None = None

    @property
    def records(self) -> Path:
        return sweep_records(self.folder, self.name)


_begun: list[Sweep] = []


class SweepBegins(Callback):
    """Gives a sweep a name of its own, which reaches its jobs wherever the launcher runs them."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        name = f"s{uuid.uuid4().hex[:12]}"
        with open_dict(config):
            config.hydra.overrides.hydra.append(f"+hydra.job.env_set.{SWEEP}={name}")
        _begun.append(Sweep(Path(str(config.hydra.sweep.dir)), name, _number_of_jobs(config)))


def _number_of_jobs(config: DictConfig) -> int | None:
    """Of the sweeper of all combinations."""
    if not str(config.hydra.sweeper._target_).endswith("GridSweeper"):
        return None
    params = config.hydra.sweeper.params or {}
    asked = [*(f"{key}={value}" for key, value in params.items()), *config.hydra.overrides.task]
    with suppress(HydraException):
        overrides = OverridesParser.create().parse_overrides(asked)
        of_keys = {each.get_key_element(): each for each in overrides}  # the last one of a key counts
        swept = [each for each in of_keys.values() if each.is_sweep_override()]
        return prod(sum(1 for _ in each.sweep_string_iterator()) for each in swept)
    return None


def end_sweep(stopped: bool, refused: bool = False) -> bool:
    """Tell what became of the jobs of the sweep that this process has begun, if it has.

    Args:
        stopped: the sweep was ended before its time. refused: by a mistake that the user was told.

    Returns:
        whether all jobs are well, as far as they were begun.
    """
    if not _begun:
        return True
    sweep = _begun.pop()
    jobs = list(read_jobs(sweep.records))
    shutil.rmtree(sweep.records, ignore_errors=True)
    if sweep.records.parent.is_dir() and not any(sweep.records.parent.iterdir()):
        sweep.records.parent.rmdir()
    if jobs:
        tell(sweep, jobs, stopped, refused)
    return all(job.status == "finished" for job in jobs)


def tell(sweep: Sweep, jobs: Sequence[JobRecord], stopped: bool, refused: bool) -> None:
    """Print counts, the jobs that failed, the best runs, and what may be done next."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(width=None if sys.stdout.isatty() else 120)
    folder = sweep.folder
    if stopped and not refused:  # those of other processes cannot tell how they ended
        jobs = [job.ended("stopped") if job.status == "running" else job for job in jobs]
    bad = [job for job in jobs if job.status != "finished"]
    console.print(f"\n{_counted(jobs, sweep.jobs)}; they lie in {escape(str(folder))}", highlight=False)
    if bad:
        _print_bad(console, folder, bad, _swept(jobs))
    scored = sorted((job for job in jobs if job.objective is not None), key=lambda job: job.objective)
    if scored and not _is_search(jobs):
        _print_best(console, scored[:BEST], _swept(jobs))
        print(f"compare them with: python -m emo3d_exp.compare {shlex.quote(str(folder))}")
    if any(next((Path(job.folder) / "wandb").glob("offline-run-*"), None) for job in jobs):
        print(f"upload what W&B has not got: python -m emo3d_exp.sync {shlex.quote(str(folder))}")
    if stopped or bad:
        first = "mend what is told, then " if refused or any(job.error for job in bad) else ""
        print(f"{first}go on with: {going_on(folder)} (what is finished is left out)")


def _is_search(jobs: Sequence[JobRecord]) -> bool:
    """A search tells the best of all its trials itself."""
    return any((Path(job.folder) / TRIAL_FILE).is_file() for job in jobs)


def going_on(folder: Path) -> str:
    """The command of this sweep, once more; where its folder is named by the time, with the folder."""
    given = [each for each in sys.argv[1:] if not each.startswith(("resume=", "~hydra.sweeper.params."))]
    if not any(each.startswith(("sweep=", "hydra.sweep.dir=")) for each in given):
        given.append(f"hydra.sweep.dir={as_hydra_reads(folder)}")
    return shlex.join(["python", Path(sys.argv[0]).name, *given, "resume=true"])


def _counted(jobs: Sequence[JobRecord], asked: int | None) -> str:
    new = sum(job.status == "finished" and not job.left_out for job in jobs)
    old = sum(job.left_out for job in jobs)
    words = [f"{new} finished"] + ([f"{old} had been finished before"] if old else [])
    for status, word in (("failed", "failed"), ("stopped", "stopped"), ("running", "died")):
        if count := sum(job.status == status for job in jobs):
            words.append(f"{count} {word}")
    if asked is not None and asked > len(jobs):
        words.append(f"{asked - len(jobs)} not begun")
    return f"of {max(asked or 0, len(jobs))} jobs {', '.join(words)}"


def _print_bad(console: Any, folder: Path, jobs: Sequence[JobRecord], swept: set[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Jobs that are not finished", title_justify="left")
    for head in ("job", "settings", "what happened"):
        table.add_column(head, overflow="fold")
    for job in jobs:
        kind, said = job.error or ("stopped" if job.status == "stopped" else "died", "")
        line = f"{kind}: {said}".removesuffix(": ")
        line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
        table.add_row(str(job.number), Text(_settings(job, swept)), Text(line))
    console.print(table)
    for job in jobs:  # beside the table, whose lines are broken and could not be copied
        script = Path(sys.argv[0]).name
        command = job.command or alone(RunFolder(job.folder), job.overrides, owns=True, script=script)
        print(f"job {job.number} alone: {command}")


def _print_best(console: Any, jobs: Sequence[JobRecord], swept: set[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"The best {len(jobs)} by the validation error", title_justify="left")
    for head in ("val/mse", "settings", "folder"):
        table.add_column(head, overflow="fold")
    for job in jobs:
        table.add_row(f"{job.objective:.5f}", Text(_settings(job, swept)), Text(Path(job.folder).name))
    console.print(table)


def _swept(jobs: Sequence[JobRecord]) -> set[str]:
    """The overrides in which jobs differ."""
    return {each for job in jobs for each in job.overrides if any(each not in o.overrides for o in jobs)}


def _settings(job: JobRecord, swept: set[str]) -> str:
    return " ".join(each for each in job.overrides if each in swept) or " ".join(job.overrides)
