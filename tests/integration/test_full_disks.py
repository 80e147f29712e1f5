"""Disks that are full or take nothing: what is there is whole, and the message says what to do."""

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from commands import SMALL, Command, run

TRAINING = (*SMALL, "tracking=csv", "metric=mse", "trainer.max_epochs=2", "model=clip_mlp")
FULL = "error: the disk is full (", "give the same command again"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 900 KB: room for the beginning of a run and its best weights, not for its last checkpoint."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "whole"), [("400k", []), ("900k", ["best.ckpt"])])
def test_a_run_whose_disk_is_full_goes_on_when_there_is_room(
    size: str, whole: list[str], disk: Path, tmp_path: Path, cache: Path
) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)
    stopped = run(cache, tmp_path, "train.py", *TRAINING, f"run_dir={disk / 'run'}")
    assert stopped.returncode == 2
    assert all(part in stopped.stderr for part in FULL), stopped.stderr
    assert "Traceback" not in stopped.stderr
    kept = sorted((disk / "run" / "checkpoints").iterdir())
    assert [file.name for file in kept] == whole  # none that looks whole and is not
    assert all(torch.load(file, weights_only=True)["state_dict"] for file in kept)
    subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
    done = run(cache, tmp_path, "train.py", f"run_dir={disk / 'run'}", "resume=true")
    assert done.returncode == 0, done.stderr
    assert (disk / "run" / "evaluation" / "test" / "metrics.json").is_file()


@pytest.mark.slow
def test_a_disk_that_takes_nothing(disk: Path, tmp_path: Path, cache: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refused = run(cache, tmp_path, "train.py", *TRAINING, f"run_dir={disk / 'run'}")
    assert refused.returncode == 2 and "Choose another run_dir=…" in refused.stderr
    refused = run(disk / "cache", tmp_path, "train.py", *TRAINING, "run_dir=run")
    assert refused.returncode == 2 and "set EMO3D_CACHE to a folder that can be written" in refused.stderr


@pytest.mark.slow
def test_two_trainings_fill_one_cache(tmp_path: Path, new_cache: Callable[[], Path]) -> None:
    """Both build data=mini and embed it at the same time."""
    cache = new_cache()
    both = [Command(cache, tmp_path, "train.py", *TRAINING, f"run_dir=run_{n}") for n in (1, 2)]
    ends = [each.wait() for each in both]
    assert [done.returncode for done in ends] == [0, 0], ends
    weights = [(tmp_path / f"run_{n}" / "weights.safetensors").read_bytes() for n in (1, 2)]
    assert weights[0] == weights[1]


def test_a_full_disk_is_found_behind_what_a_library_raises() -> None:
    from emo3d_exp.app.explaining import told_to_user

    def writes() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "checkpoint")
        finally:
            raise RuntimeError("unexpected position")

    with pytest.raises(RuntimeError) as raised:
        writes()
    told = told_to_user(raised.value, "train", [])
    assert told is not None and "the disk is full" in told and "checkpoint" in told
    assert told_to_user(RuntimeError("something else"), "train", []) is None
