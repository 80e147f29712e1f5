"""What is told at the end of a sweep; whole sweeps are tested in tests/integration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from emo3d_exp.app.sweeping import Sweep, tell
from emo3d_exp.runs import JobRecord


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[JobRecord]:
    """One finished, one under way when its process was ended, one that had not begun its run by then."""
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", "seed=1,2,3,4"])
    for number in range(3):
        (tmp_path / str(number)).mkdir()
    (tmp_path / "1" / "config.yaml").touch()
    records = [JobRecord(n, str(tmp_path / str(n)), ("model=ridge", f"seed={n + 1}")) for n in range(3)]
    return [records[0].ended("finished", objective=0.5), *records[1:]]


def test_jobs_without_a_word_of_their_own_get_a_command_each(
    jobs: list[JobRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(Sweep(tmp_path, "s1", 4), jobs, stopped=False, refused=False)
    told = capsys.readouterr().out
    assert "of 4 jobs 1 finished, 2 died, 1 not begun" in told
    assert f"job 1 alone: python train.py run_dir={tmp_path}/1 resume=true\n" in told
    assert f"job 2 alone: python train.py model=ridge seed=3 run_dir={tmp_path}/2\n" in told
    assert "mend what is told" not in told and "go on with: python train.py -m seed=1,2,3,4" in told


def test_what_was_under_way_when_the_sweep_was_stopped_is_stopped_too(
    jobs: list[JobRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(Sweep(tmp_path, "s1", None), jobs, stopped=True, refused=False)
    assert "of 3 jobs 1 finished, 2 stopped; " in capsys.readouterr().out


def test_a_mistake_is_to_be_mended_first(
    jobs: list[JobRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = jobs[1].ended("failed", error=("ConfigError", "head.alphas"), command="python train.py x=1")
    tell(Sweep(tmp_path, "s1", 4), [jobs[0], failed], stopped=False, refused=False)
    told = capsys.readouterr().out
    assert "job 1 alone: python train.py x=1\n" in told and "mend what is told, then go on with: " in told


def test_the_upload_of_all_is_one_line(
    jobs: list[JobRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0" / "wandb" / "offline-run-20260131_120000-a1").mkdir(parents=True)
    tell(Sweep(tmp_path, "s1", 1), jobs[:1], stopped=False, refused=False)
    told = capsys.readouterr().out
    assert told.count("python -m emo3d_exp.sync") == 1 and f"emo3d_exp.sync {tmp_path}\n" in told
