"""A job of a sweep: what became of it is kept, and one that fails leaves the others alone."""

from __future__ import annotations

import logging
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from emo3d_exp.app.resuming import is_job_of_sweep
from emo3d_exp.app.sharing import shared_cores
from emo3d_exp.runs import JobRecord, RunFolder, read_job
from emo3d_exp.sweeping import trial_of

log = logging.getLogger(__name__)

SWEEP = "EMO3D_SWEEP"
"""Environment variable in the jobs of a sweep: its name among those that write to one folder."""
APART = ("run_dir", "resume", "hydra.mode")


@dataclass
class Job:
    """A task that is under way.

    Attributes:
        record: what is known of it. run: its folder. in_sweep: whether Hydra runs several.
        owns: nobody else's run lies in the folder, so the record may.
    """

    record: JobRecord
    run: RunFolder
    in_sweep: bool
    owns: bool = False
    objective: float | None = None

    def begin(self) -> None:
        """The folder is this job's: the record is kept there too."""
        self.owns = True
        self.keep()

    def leave_out(self, objective: float) -> float:
        """It was finished before."""
        self.record = self.record.ended("finished", left_out=True)
        return objective

    def keep(self) -> None:
        """Write the record."""
        if self.in_sweep and (name := os.environ.get(SWEEP)):
            place = sweep_records(Path(str(HydraConfig.get().sweep.dir)), name)
            self.record.write(place / f"{self.record.number}.json")
        own = self.owns or not self.run.config_file.is_file()  # else it may be another run's
        kept = self.in_sweep or self.run.job_file.is_file()
        if own and kept and not (self.record.left_out and self.run.job_file.is_file()):
            self.record.write(self.run.job_file)


@contextmanager
def recorded(run: RunFolder) -> Iterator[Job]:
    """Keep what becomes of a task; what a job of a sweep raises is logged and ends here, unless it is a trial
    of a search, which counts its failures itself."""
    hydra, started = HydraConfig.get(), time.monotonic()
    overrides, in_sweep = tuple(hydra.overrides.task), is_job_of_sweep()
    job = Job(JobRecord(_number(run, in_sweep), str(run.path), overrides), run, in_sweep)
    if in_sweep:
        job.keep()

    def end(status: str, **facts: object) -> None:
        took = round(time.monotonic() - started, 2)
        if in_sweep or run.job_file.is_file():
            told = {"command": alone(run, overrides, job.owns), **facts}
            job.record = job.record.ended(status, seconds=took, **told)  # type: ignore[arg-type]
            job.keep()

    try:
        with shared_cores():
            yield job
    except Exception as error:
        end("failed", error=(type(error).__name__, _line(error)))
        if not in_sweep or trial_of(run.path) is not None:
            raise
        _tell(error)
    except BaseException:
        end("stopped")
        raise
    else:
        end("finished", objective=job.objective)


def _number(run: RunFolder, in_sweep: bool) -> int:
    """Of a job of a sweep. Hydra counts on from the first of a batch, and trials that are taken up again have
    numbers with gaps between them."""
    if not in_sweep:  # the number that it had in its sweep
        known = read_job(run.job_file)
        return 0 if known is None else known.number
    trial = trial_of(run.path)
    return int(HydraConfig.get().job.num) if trial is None else trial.told.number


def sweep_records(folder: Path, name: str) -> Path:
    """Where the jobs of a sweep that is under way keep their records."""
    return folder / ".jobs" / name


def alone(run: RunFolder, overrides: tuple[str, ...], owns: bool, script: str = "") -> str:
    """The command that runs a job again, by itself: it goes on where its run had begun.

    Args:
        owns: the run in the folder is the job's; else it was refused, and has to run in another one.
        script: where this process is none that runs the job.
    """
    script = script or f"{HydraConfig.get().job.name}.py"  # launchers have a sys.argv of their own
    begun = run.config_file.is_file()
    if begun and owns:
        words = [f"run_dir={as_hydra_reads(run.path)}", "resume=true"]
    else:
        folder = run.path.with_name(f"{run.path.name}_alone") if begun else run.path
        given = [each for each in overrides if each.split("=", 1)[0] not in APART]
        file = any(each.startswith("sweep=") for each in given)
        mode = ["hydra.mode=RUN", "resume=false"] if file else []
        words = [*given, *mode, f"run_dir={as_hydra_reads(folder)}"]
    return shlex.join(["python", script, *words])


def as_hydra_reads(path: Path) -> str:
    """A path as a value of an override: quoted where there are signs of Hydra's grammar in it."""
    text = str(path)
    plain = all(sign.isalnum() or sign in "/-_.:%+@?|" for sign in text)
    return text if plain else "'" + text.replace("'", "\\'") + "'"


def _tell(error: Exception) -> None:
    from emo3d_exp.app.explaining import told_to_user

    told = told_to_user(error, "train", [])
    if told is None:
        log.exception("the job failed")
    else:
        log.error(told)


def _line(error: Exception) -> str:
    """What an error says: the user's message where there is one in it, on one line."""
    from emo3d_exp.app.explaining import told_to_user

    return " ".join((told_to_user(error, "train", []) or str(error)).split())
