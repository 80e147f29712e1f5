"""Cores of this machine, where a sweep runs several jobs at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.resuming import is_job_of_sweep
from emo3d_exp.runs import CORES, available_cores


@contextmanager
def shared_cores() -> Iterator[None]:
    """Within, whatever asks how many cores there are is told this job's share."""
    before, os.environ[CORES] = os.environ.get(CORES), str(cores_of_job())
    try:
        yield
    finally:
        if before is None:
            del os.environ[CORES]
        else:
            os.environ[CORES] = before


def cores_of_job() -> int:
    """Cores that this process may use without taking those of the jobs beside it, at least 1."""
    cores = available_cores()
    if not HydraConfig.initialized() or not is_job_of_sweep():
        return cores
    hydra = HydraConfig.get()
    told = OmegaConf.select(hydra.launcher, "ray.remote.num_cpus") or hydra.launcher.get("cpus_per_task")
    return min(cores, int(told)) if told else max(1, cores // jobs_at_once(hydra, cores))


def jobs_at_once(hydra: DictConfig, cores: int) -> int:
    """How many jobs of a sweep the launcher runs on one machine side by side, as far as can be known."""
    launcher = str(hydra.launcher.get("_target_", "")).rpartition(".")[2]
    if launcher == "JoblibLauncher":
        asked = int(hydra.launcher.n_jobs)
        return asked if asked > 0 else max(1, cores + 1 + asked)
    if launcher == "LocalLauncher":  # of submitit, which starts a whole batch at once
        return int(hydra.sweeper.get("max_batch_size") or cores)
    return cores if launcher == "RayLauncher" else 1
