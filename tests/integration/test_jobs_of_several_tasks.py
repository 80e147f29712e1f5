"""Processes that ``srun`` or ``torchrun`` has started train as one, in one folder."""

import os
import signal
import socket
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from commands import Command, Done, succeed
from omegaconf import OmegaConf
from safetensors.numpy import load_file
from test_preempted_runs import after_an_epoch

from emo3d_exp.app import train
from emo3d_exp.app.cli import script
from emo3d_exp.app.preemption import warned
from emo3d_exp.app.ranks import one_folder_for_all, outer_count, outer_rank, swept_once
from emo3d_exp.errors import ConfigError

TRAINING = (
    "model=lm_mlp", "backbone=minilm", "data.rows=200", "batch_size=64", "threads=1", "trainer.max_epochs=3",
    "evaluate=false", "tracking=none",
)  # fmt: skip


def srun(rank: int, port: int) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": "11", "SLURM_JOB_NAME": "emo3d", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NODEID": "0", "MASTER_PORT": str(port),
    }  # fmt: skip


def torchrun(rank: int, port: int) -> dict[str, str]:
    return {
        "TORCHELASTIC_RUN_ID": "11", "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip


@pytest.fixture
def two(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Runs a command in two tasks."""

    def run(started_by, *arguments: str, meanwhile=lambda tasks: None) -> list[Done]:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port = listening.getsockname()[1]
        tasks = []
        for rank in range(2):
            with monkeypatch.context() as patch:
                for key, value in started_by(rank, port).items():
                    patch.setenv(key, value)
                tasks.append(Command(cache, tmp_path, "train.py", *arguments))
        meanwhile(tasks)
        return [task.wait() for task in tasks]

    return run


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.parametrize("started_by", [srun, torchrun])
def test_two_tasks_are_one_training(started_by, two, cache: Path, tmp_path: Path) -> None:
    succeed(cache, tmp_path, "train.py", *TRAINING, "run_dir=alone")
    first, second = two(started_by, *TRAINING, "trainer=ddp_sim")
    assert (first.returncode, second.returncode) == (0, 0), f"{first.stderr}\n{second.stderr}"
    (shared,) = (tmp_path / "outputs").iterdir()
    assert shared.name == "job_11_lm_mlp"
    expected = load_file(tmp_path / "alone" / "weights.safetensors")
    found = load_file(shared / "weights.safetensors")
    assert max(float(np.abs(values - found[name]).max()) for name, values in expected.items()) < 1e-5
    assert {file.name for file in shared.iterdir()} == {file.name for file in (tmp_path / "alone").iterdir()}
    assert "is done in" in first.stdout and second.stdout == ""


@pytest.mark.slow
@pytest.mark.enable_socket
def test_warned_tasks_go_on_to_the_same_weights(
    cache: Path, tmp_path: Path, two, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = (*TRAINING, "trainer.max_epochs=40", "patience=null", "batch_size=8", "trainer=ddp_sim")
    first, second = two(srun, *longer, "run_dir=alone")
    assert (first.returncode, second.returncode) == (0, 0), f"{first.stderr}\n{second.stderr}"

    def warn(tasks: list[Command]) -> None:
        after_an_epoch(tasks[0], tmp_path / "warned" / "checkpoints" / "last.ckpt")
        for task in tasks:
            task.send(signal.SIGUSR1)

    first, second = two(srun, *longer, "run_dir=warned", meanwhile=warn)
    # one that left with more than 0 would have srun end the first before it is in the queue again
    assert (first.returncode, second.returncode) == (128 + signal.SIGUSR1, 0), f"{first}\n{second}"
    assert not (tmp_path / "warned" / "weights.safetensors").exists()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    first, second = two(srun, *longer, "run_dir=warned")
    assert (first.returncode, second.returncode) == (0, 0), f"{first.stderr}\n{second.stderr}"
    expected, found = (load_file(tmp_path / name / "weights.safetensors") for name in ("alone", "warned"))
    assert max(float(np.abs(values - found[name]).max()) for name, values in expected.items()) < 1e-6


def test_a_task_that_is_not_the_first_lives_on_after_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    def along(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        heard.append(warned.yes)

    listener = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    try:
        monkeypatch.setattr(train, "outer_rank", lambda: 1)
        monkeypatch.setattr(train, "HydraConfig", MagicMock())
        monkeypatch.setattr(train, "check_asked", lambda cfg: None)
        monkeypatch.setattr(train, "train_along", along)
        # where it is the default action that answers, this ends the tests: take it for a failure
        train.train.__wrapped__(OmegaConf.create({}))
        assert heard == [True] and signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR1, listener)
        warned.yes = False


@pytest.mark.parametrize("argument", ["-m", "--multirun", "sweep=seeds"])
def test_a_sweep_in_several_tasks_is_refused(
    argument: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swept_once("train", [argument]) == [argument]
    for key, value in srun(1, 1).items():
        monkeypatch.setenv(key, value)
    assert swept_once("train", ["seed=1"]) == ["seed=1"]
    monkeypatch.setattr("sys.argv", ["train.py", argument, "seed=1"])
    with pytest.raises(SystemExit) as refused:
        script("train")(lambda cfg: None)()
    assert refused.value.code == 2
    assert "srun --ntasks=1" in capsys.readouterr().err


def test_the_folder_of_one_run_is_none_of_a_sweep() -> None:
    with pytest.raises(ConfigError, match=r"hydra\.sweep\.dir=… instead"):
        swept_once("train", ["-m", "seed=1,2", "run_dir=outputs/a"])
    for fine in (["sweep=seeds", "hydra.mode=RUN", "run_dir=a"], ["run_dir=a"]):
        assert swept_once("train", fine) == fine
    assert swept_once("evaluate", ["-m", "run_dir=a,b"]) == ["-m", "run_dir=a,b"]


def test_tasks_are_counted_as_lightning_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (outer_rank(), outer_count()) == (0, 1)
    assert one_folder_for_all("train", ["seed=1"]) == ["seed=1"]
    for key, value in srun(1, 1).items():
        monkeypatch.setenv(key, value)
    assert (outer_rank(), outer_count()) == (1, 2)
    assert one_folder_for_all("evaluate", ["run_dir=a"]) == ["run_dir=a"]
    folder = "run_dir=outputs/job_11_${model.name}"
    assert one_folder_for_all("train", ["seed=1"]) == ["seed=1", folder, "hydra/job_logging=none"]
    assert one_folder_for_all("train", ["run_dir=a"]) == ["run_dir=a", "hydra/job_logging=none"]
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert one_folder_for_all("train", []) == [folder]
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    assert (outer_rank(), outer_count()) == (0, 1)
