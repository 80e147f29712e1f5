"""``hydra/launcher=…``: the jobs of a sweep elsewhere than one after the other in one process."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import run
from faces_table import faces_table
from omegaconf import OmegaConf

from emo3d_exp.app.assemble import set_threads
from emo3d_exp.app.sharing import jobs_at_once
from emo3d_exp.runs import CORES, available_cores, read_job

LAUNCHERS = {
    "joblib": ("hydra_joblib_launcher", ("hydra.launcher.n_jobs=2",)),
    "submitit_local": ("hydra_submitit_launcher", ("hydra.sweeper.max_batch_size=2",)),
    "ray": ("hydra_ray_launcher", ("+hydra.launcher.ray.init.num_cpus=2",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_fails_and_the_others_run(launcher: str, tmp_path: Path, cache: Path) -> None:
    plugin, settings = LAUNCHERS[launcher]
    if find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f"{plugin} is not installed")
    (tmp_path / "table").mkdir()
    table = faces_table(tmp_path / "table")
    done = run(
        cache, tmp_path, "train.py", "-m", f"hydra/launcher={launcher}", *settings, "model=ridge",
        "head.alphas=[1.0],[bad]", "data=emo3d", f"data.root={table}", "metric=mse", "tracking=none",
        "hydra.sweep.dir=swept",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "of 2 jobs 1 finished, 1 failed" in done.stdout
    well, bad = (read_job(tmp_path / "swept" / number / "job.json") for number in "01")
    assert (well.status, bad.status) == ("finished", "failed")
    assert "head.alphas=['bad']: give one or more numbers above 0" in bad.error[1]
    assert bad.command.startswith("python train.py model=ridge ") and bad.command.endswith("swept/1")


SLURM = {
    "sbatch": """#!/bin/sh
for script; do :; done
cp "$script" "$TOLD/batch.sh"
(
    for task in 0 1; do
        SLURM_JOB_ID=7$task SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task SLURM_NTASKS=1 SLURM_PROCID=0 \\
            SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_JOB_NUM_NODES=1 sh "$TOLD/batch.sh" > "$TOLD/$task.log" 2>&1
    done
    touch "$TOLD/done"
) > /dev/null 2>&1 &
echo Submitted batch job 7
""",
    "srun": """#!/bin/sh
while :; do case "$1" in */python*) break ;; esac; shift; done
exec "$@"
""",
    "sacct": """#!/bin/sh
if [ -e "$TOLD/done" ]; then state=COMPLETED; else state=RUNNING; fi
printf "JobID|State|NodeList\\n7_0|$state|here\\n7_1|$state|here\\n"
""",
}
"""What SLURM's commands do, as far as a sweep asks for it: the jobs of an array run one after the other."""


@pytest.mark.slow
def test_a_sweep_is_an_array_of_slurm(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    (tmp_path / "bin").mkdir()
    for name, script in SLURM.items():
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "table").mkdir()
    table = faces_table(tmp_path / "table")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path))
    done = run(
        cache, tmp_path, "train.py", "-m", "hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu",
        "hydra.launcher.timeout_min=60", "hydra.launcher.cpus_per_task=4", "model=ridge", "seed=1,2",
        "data=emo3d", f"data.root={table}", "metric=mse", "tracking=none", "hydra.sweep.dir=swept",
    )  # fmt: skip
    logs = "".join(file.read_text() for file in tmp_path.glob("?.log"))
    assert done.returncode == 0, f"{done.stderr}\n{logs}"
    assert "of 2 jobs 2 finished" in done.stdout
    asked = (tmp_path / "batch.sh").read_text()
    for line in ("--array=0-1%", "--partition=gpu", "--time=60", "--cpus-per-task=4", "--job-name=train"):
        assert f"#SBATCH {line}" in asked, asked
    for number, seed in enumerate((1, 2)):
        folder = tmp_path / "swept" / str(number)
        assert read_job(folder / "job.json").status == "finished"
        assert OmegaConf.load(folder / "config.yaml").seed == seed


@pytest.mark.parametrize(
    ("settings", "jobs"),
    [
        ({"launcher": {"_target_": "a.JoblibLauncher", "n_jobs": 2}}, 2),
        ({"launcher": {"_target_": "a.JoblibLauncher", "n_jobs": -1}}, 4),
        ({"launcher": {"_target_": "a.JoblibLauncher", "n_jobs": -2}}, 3),
        ({"launcher": {"_target_": "a.LocalLauncher"}, "sweeper": {"max_batch_size": 2}}, 2),
        ({"launcher": {"_target_": "a.LocalLauncher"}, "sweeper": {"max_batch_size": None}}, 4),
        ({"launcher": {"_target_": "a.SlurmLauncher"}}, 1),
        ({"launcher": {"_target_": "a.BasicLauncher"}}, 1),
    ],
)
def test_jobs_side_by_side_are_counted(settings: dict[str, object], jobs: int) -> None:
    assert jobs_at_once(OmegaConf.create(settings), cores=4) == jobs


def test_a_limit_of_cores_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMO3D_CORES", "1")
    assert available_cores() == 1


def test_a_job_computes_and_draws_on_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2
    import torch

    before = cv2.getNumThreads(), torch.get_num_threads()
    try:
        for share in ("1", "2"):
            monkeypatch.setenv(CORES, share)
            set_threads(None)
            assert cv2.getNumThreads() == torch.get_num_threads() == int(share)
        set_threads(1)
        assert cv2.getNumThreads() == torch.get_num_threads() == 1
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])
