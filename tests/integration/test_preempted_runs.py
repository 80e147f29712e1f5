"""A job of SLURM's that is warned ends with its epoch, goes back into the queue and goes on by itself."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Command
from language_training import language_training
from safetensors.numpy import load_file
from test_stopped_runs import left_alone


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return language_training(tmp_path_factory.mktemp("inputs"), epochs=4, samples=240)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a stand-in for ``scontrol`` was asked, in the environment of a job."""
    asked, program = tmp_path / "asked", tmp_path / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_JOB_NAME", "emo3d")
    return asked


def after_an_epoch(process: Command, checkpoint: Path) -> None:
    end = time.monotonic() + 120
    while not checkpoint.is_file():
        assert process.running and time.monotonic() < end, process.wait()
        time.sleep(0.005)


@pytest.mark.parametrize("then", [pytest.param(None, marks=pytest.mark.slow), signal.SIGTERM])
def test_warned_and_begun_again(
    then: signal.Signals | None, arguments: list[str], queue: Path, tmp_path: Path, cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    training = Command(cache, tmp_path, "train.py", *arguments, "run_dir=job")
    after_an_epoch(training, tmp_path / "job" / "checkpoints" / "last.ckpt")
    training.send(signal.SIGUSR1)
    if then is not None:  # the cluster waits no longer
        time.sleep(0.02)
        training.send(then)
    done = training.wait()
    said = done.stdout + done.stderr
    assert done.returncode in {128 + signal.SIGUSR1, 128 + (then or signal.SIGUSR1)}, said
    assert queue.read_text(encoding="utf-8") == "requeue 4711\n"
    assert "job 4711 is in the queue again" in said and "Traceback" not in said
    assert not (tmp_path / "job" / "weights.safetensors").exists()
    assert not list((tmp_path / "job").rglob("hpc_ckpt*")), "Lightning has answered too"

    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    again = Command(cache, tmp_path, "train.py", *arguments, "run_dir=job")  # the same command
    expected = load_file(left_alone(arguments, tmp_path / "alone").weights_file)
    assert again.wait().returncode == 0
    found = load_file(tmp_path / "job" / "weights.safetensors")
    assert max(float(np.abs(values - found[name]).max()) for name, values in expected.items()) < 1e-6


def test_a_cancelled_job_stays_out_of_the_queue(
    arguments: list[str], queue: Path, tmp_path: Path, cache: Path
) -> None:
    training = Command(cache, tmp_path, "train.py", *arguments, "run_dir=job")
    after_an_epoch(training, tmp_path / "job" / "checkpoints" / "last.ckpt")
    training.send(signal.SIGTERM)
    assert training.wait().returncode == 128 + signal.SIGTERM
    assert not queue.exists()
