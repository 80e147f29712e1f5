"""Run folders and W&B files below folders and patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder, read_job

MAGIC = re.compile(r"[*?\[]")
LINK = "latest-run"
"""W&B's link to the folder beside it."""
BEGUN = ("train.log", "provenance.json", "checkpoints", "weights.safetensors")
"""What a folder has that was to become a run."""
WANDB_FOLDER = re.compile(r"(offline-)?run-\d+_\d+-\w+")


@dataclass
class Found:
    """What lies below the folders and patterns, each once, by path.

    Attributes:
        runs: folders with a ``config.yaml``. wandb: W&B files that lie in no run. ignored: lines that say
            what was left out and why.
    """

    runs: list[Path] = field(default_factory=list)
    wandb: list[Path] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def find_runs(patterns: Sequence[str]) -> Found:
    """Look through folders, and through what patterns match, at any depth.

    ``outputs``, ``outputs/**`` and ``outputs/*`` find the same runs; ``outputs/**/vae*`` those in or below
    folders of such names. Links are followed, each folder is looked at once.

    Raises:
        ConfigError: a folder does not exist, or nothing is found.
    """
    found, seen = Found(), set[Path]()
    for pattern in patterns:
        root, wanted = _root(pattern)
        if root.is_file():  # a shell that puts names for a pattern puts files among them
            root = root.parent if root.suffix == ".wandb" or root.name == "config.yaml" else None
        elif not root.is_dir():
            raise ConfigError(f"{pattern}: there is no folder {root}")
        for folder in () if root is None else _folders(root, set()):
            if wanted is None or _within(folder, wanted):
                _sort_in(folder, found, seen)
    if not found.runs and not found.wandb:
        looked = ", ".join(patterns)
        ignored = "".join(f"\n  {line}" for line in found.ignored)
        raise ConfigError(
            f"no runs in {looked}: neither a folder with config.yaml, as train.py leaves it, nor W&B's "
            f"run-*.wandb{ignored}"
        )
    return found


def _root(pattern: str) -> tuple[Path, re.Pattern[str] | None]:
    """The folder that a pattern begins at, and what paths have to match; None: all do."""
    parts = Path(pattern).expanduser().parts
    if "wandb" in parts and MAGIC.search(pattern):
        parts = parts[: parts.index("wandb")]  # a run's own part stands for the run
    while parts and parts[-1] == "**":
        parts = parts[:-1]
    magic = next((number for number, part in enumerate(parts) if MAGIC.search(part)), None)
    if magic is None or Path(*parts).is_dir():
        return Path(*parts), None
    steps = ["(?:[^/]+/)*" if part == "**" else f"{_segment(part)}/" for part in parts[magic:]]
    root = Path(*parts[:magic])
    prefix = "" if str(root) == "." else f"{re.escape(str(root).rstrip('/'))}/"
    return root, re.compile(prefix + "".join(steps))


def _segment(part: str) -> str:
    """A regular expression for one name of a path."""
    meaning = {"*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*|\?|\[[^\]]+\])", part)
    return "".join(
        meaning.get(p) or (p.replace("[!", "[^") if p[:1] == "[" else re.escape(p)) for p in pieces
    )


def _within(folder: Path, wanted: re.Pattern[str]) -> bool:
    """The folder, or one that it lies in, is what the pattern asks for."""
    return wanted.match(f"{folder}/") is not None


def _folders(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """The folder and those below it, by name; not those inside of runs, and none twice."""
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    yield folder
    if WANDB_FOLDER.fullmatch(folder.name) or _is_run(folder):
        return
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entry.name for entry in entries if _looked_into(entry))
    except OSError:  # not ours to read
        return
    for name in inside:
        yield from _folders(folder / name, seen)


def _looked_into(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and entry.name != LINK and not entry.name.startswith(".")
    except OSError:  # a link to itself
        return False


def _sort_in(folder: Path, found: Found, seen: set[Path]) -> None:
    real = folder.resolve()
    owner = real.parent.parent
    if WANDB_FOLDER.fullmatch(real.name) and (_is_run(owner) or _refusal(owner)):
        folder = real = owner  # a part of a run stands for the run
    if real in seen:
        return
    seen.add(real)
    if _is_run(folder):
        found.runs.append(folder)
    elif reason := _refusal(folder):
        found.ignored.append(f"{folder}: failed before its training began: {reason}")
    elif files := sorted(folder.glob("run-*.wandb")):
        found.wandb += files
    elif any((folder / name).exists() for name in BEGUN) and not (folder / "wandb").is_dir():
        found.ignored.append(f"{folder}: no config.yaml, its training never began")


def _is_run(folder: Path) -> bool:
    return RunFolder(folder).config_file.is_file()


def _refusal(folder: Path) -> str:
    """Why a job has failed before it became a run; empty where there is a run, or nothing is known of it."""
    run = RunFolder(folder)
    if run.config_file.is_file() or not run.job_file.is_file():
        return ""
    job = read_job(run.job_file)
    if job is None or job.status != "failed" or not job.error:
        return ""
    return " ".join(": ".join(map(str, job.error)).split())
