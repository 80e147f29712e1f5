"""The tasks that ``soak_runs.py`` kills."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from commands import SMALL, Command
from left_behind import run_result

QUICK = (*SMALL, "tracking=csv", "patience=null", "metric.looks.count=1")


class Task(ABC):
    """Something that a user starts, and starts again when it was killed.

    Args:
        folder: in which the task's folders are made. Its caches lie there too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"

    def prepare(self) -> None:
        """What is there before the task begins."""
        self.folder.mkdir(parents=True)
        self.run(self.folder, "train.py", *QUICK, "model=ridge", "run_dir=warm", "trainer.max_epochs=1")

    def run(self, folder: Path, script: str, *arguments: str) -> None:
        done = Command(self.cache, folder, script, *arguments).wait()
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def begin(self, folder: Path) -> None:
        """Make the folder in which the task is to run."""
        folder.mkdir()

    @abstractmethod
    def command(self, folder: Path) -> tuple[str, ...]:
        """Script and arguments, as the documentation says for the state that the folder is in."""

    @abstractmethod
    def result(self, folder: Path) -> dict[str, str]:
        """What a task that has ended leaves, as hashes by name."""


class Training(Task):
    """``train.py``, and ``resume=true`` once there is a run to go on with."""

    arguments = (*QUICK, "model=vae_clip", "trainer.max_epochs=8")

    def command(self, folder: Path) -> tuple[str, ...]:
        if (folder / "run" / "config.yaml").is_file():
            return ("train.py", "run_dir=run", "resume=true")
        return ("train.py", *self.arguments, "run_dir=run")

    def result(self, folder: Path) -> dict[str, str]:
        return run_result(folder / "run")


class Sweep(Task):
    """A multirun with ``resume=true``, which is given again as it is."""

    def command(self, folder: Path) -> tuple[str, ...]:
        swept = ("model=clip_mlp,ridge", "seed=1,2", "trainer.max_epochs=4")
        where = ("hydra.sweep.dir=sweep", "'hydra.sweep.subdir=${model.name}_${seed}'")
        return ("train.py", "-m", *QUICK, *swept, where[0], where[1].strip("'"), "resume=true")

    def result(self, folder: Path) -> dict[str, str]:
        runs = sorted(file.parent for file in (folder / "sweep").glob("*/config.yaml"))
        return {key: value for run in runs for key, value in run_result(run).items()}


class Embedding(Training):
    """A training whose embeddings are computed first, into a cache that every start shares."""

    arguments = (*QUICK, "model=clip_mlp", "trainer.max_epochs=1", "evaluate=false")

    def begin(self, folder: Path) -> None:
        super().begin(folder)
        shutil.rmtree(self.cache / "embeddings", ignore_errors=True)


class Evaluation(Task):
    """``evaluate.py`` on a trained run, given again as it is."""

    def prepare(self) -> None:
        super().prepare()
        trained = (*QUICK, "model=clip_mlp", "trainer.max_epochs=2", "evaluate=false")
        self.run(self.folder, "train.py", *trained, "run_dir=trained")

    def begin(self, folder: Path) -> None:
        super().begin(folder)
        shutil.copytree(self.folder / "trained", folder / "run")

    def command(self, folder: Path) -> tuple[str, ...]:
        return ("evaluate.py", "run_dir=run", "threads=1")

    def result(self, folder: Path) -> dict[str, str]:
        return run_result(folder / "run")


TASKS: dict[str, type[Task]] = {
    "training": Training,
    "sweep": Sweep,
    "embedding": Embedding,
    "evaluation": Evaluation,
}
