"""What became of a job of a sweep: ``job.json`` in its folder, and in the sweep's until that has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from emo3d_exp.runs.files import write_json

Status = Literal["running", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes:
        number: in its sweep, from 0. folder: its run folder. overrides: what the command line and the sweep
            have set. status: ``running`` too where it was killed. seconds: that it took.
        objective: what it returned, lower is better. error: kind and message, a line each, if it failed.
        command: runs it alone. left_out: it had been finished before.
    """

    number: int
    folder: str
    overrides: tuple[str, ...]
    status: Status = "running"
    seconds: float = 0.0
    objective: float | None = None
    error: tuple[str, str] | None = None
    command: str = ""
    left_out: bool = field(default=False)

    def write(self, file: Path) -> None:
        """Write it as JSON, atomically."""
        write_json(file, {"schema": 1, **asdict(self)})

    def ended(self, status: Status, **facts: Any) -> JobRecord:
        """The same job later."""
        return replace(self, status=status, **facts)


def read_job(file: Path) -> JobRecord | None:
    """The record in a file; None where there is none that can be read."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        told.pop("schema", None)
        told["overrides"] = tuple(told["overrides"])
        told["error"] = None if told["error"] is None else tuple(told["error"])
        return JobRecord(**told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def read_jobs(folder: Path) -> Iterator[JobRecord]:
    """The records in a folder, by number."""
    files = sorted(folder.glob("[0-9]*.json"), key=lambda file: int(file.stem))
    return (job for file in files if (job := read_job(file)) is not None)
