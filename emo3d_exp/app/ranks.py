"""Processes that somebody else has started together: ``srun`` with several tasks, or ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from emo3d_exp.errors import ConfigError

OWN_FOLDER = ("run_dir=", "hydra.run.dir=", "-m", "--multirun", "sweep=", "-h", "--help", "-c", "--cfg", "-i",
              "--info", "--hydra-help", "--version")  # fmt: skip
"""Beginnings of arguments with which no run folder is to be chosen for the tasks of a job."""

SWEEP = ("-m", "--multirun", "sweep=", "hydra.mode=MULTIRUN")
"""Beginnings of arguments that start many jobs."""


def outer_rank() -> int:
    """This process's number among those that train together; 0 where it stands alone."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["RANK"])
    return int(os.environ.get("SLURM_PROCID", 0)) if _srun_tasks() > 1 else 0


def outer_count() -> int:
    """How many processes have been started together; 1 where this one stands alone."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    return _srun_tasks()


def _srun_tasks() -> int:
    """As Lightning has it, which leaves interactive jobs alone."""
    interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")
    return 1 if interactive else int(os.environ.get("SLURM_NTASKS", 1))


def swept_once(config_name: str, arguments: list[str]) -> list[str]:
    """The arguments.

    Raises:
        ConfigError: each of several processes would run all jobs of a sweep, or a sweep of trainings is given
            the folder of one run.
    """
    if "hydra.mode=RUN" in arguments or not any(argument.startswith(SWEEP) for argument in arguments):
        return arguments
    if config_name == "train" and any(argument.startswith("run_dir=") for argument in arguments):
        raise ConfigError("run_dir is the folder of one run: for a sweep give hydra.sweep.dir=… instead")
    if outer_count() > 1:
        raise ConfigError(
            f"a sweep in {outer_count()} tasks would run every job in each: start it in one task "
            "(srun --ntasks=1), or with a launcher such as hydra/launcher=submitit_slurm"
        )
    return arguments


def one_folder_for_all(config_name: str, arguments: Sequence[str]) -> list[str]:
    """The arguments of one of several processes: all write to one folder, and one alone writes a log.

    The usual folder is named by the time, which no two of them share, so that of a job is named by the job
    where none is given.
    """
    if config_name != "train" or outer_count() < 2:
        return list(arguments)
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("TORCHELASTIC_RUN_ID")
    named = any(argument.startswith(OWN_FOLDER) for argument in arguments)
    folder = [] if named else [f"run_dir=outputs/job_{job}_${{model.name}}"]
    return [*arguments, *folder, *(["hydra/job_logging=none"] if outer_rank() else [])]
