"""Jobs of a sweep that fail: the others run, and the end says how to run them again."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from pathlib import Path

import pytest
from commands import LIMIT, Command, run, succeed
from faces_table import faces_table

from emo3d_exp.comparison.reading import read_run
from emo3d_exp.runs import read_job

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faces_table(tmp_path_factory.mktemp("table"))


def test_the_others_run_and_the_failed_ones_run_alone(table: Path, tmp_path: Path, cache: Path) -> None:
    folders = [tmp_path / "swept" / str(number) for number in range(3)]
    in_the_way = folders[2] / "evaluation"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("no folder")
    asked = (
        "-m", "model=ridge", "head.alphas=[1.0],[bad],[2.0]", "data=emo3d", f"data.root={table}",
        "metric=mse", "tracking=none", "hydra.sweep.dir=swept",
    )  # fmt: skip
    done = run(cache, tmp_path, "train.py", *asked)
    assert done.returncode == 1
    assert "of 3 jobs 1 finished, 2 failed" in done.stdout
    assert "The best 1 by the validation error" in done.stdout
    assert "python -m emo3d_exp.compare swept" in done.stdout
    assert "mend what is told, then go on with: python train.py" in done.stdout
    records = [read_job(folder / "job.json") for folder in folders]
    assert [record.status for record in records] == ["finished", "failed", "failed"]
    assert records[0].objective > 0 and records[1].objective is None
    assert "head.alphas=['bad']: give one or more numbers above 0" in records[1].error[1]
    assert str(in_the_way) in records[2].error[1] and read_run(folders[2]).status == "trained"
    assert not (folders[1] / "config.yaml").exists(), "its settings were refused: the folder is free"
    assert not (tmp_path / "swept" / ".jobs").exists()

    commands = dict(re.findall(r"^job (\d) alone: python train.py (.*)$", done.stdout, re.M))
    in_the_way.unlink()
    for number in ("1", "2"):
        alone = [word.replace("bad", "3.0") for word in shlex.split(commands[number])]
        succeed(cache, tmp_path, "train.py", *alone)
        assert read_job(folders[int(number)] / "job.json").status == "finished"
        assert read_run(folders[int(number)]).status == "finished"


@pytest.mark.slow
def test_a_job_that_never_began_runs_alone_by_its_overrides(table: Path, tmp_path: Path, cache: Path) -> None:
    asked = ("sweep=seeds", "data=emo3d", f"data.root={table}", "metric=mse", "tracking=none", "model=ridge")
    done = run(cache, tmp_path, "train.py", *asked, "seed=1,-1")
    assert done.returncode == 2 and "seed=-1 must be a whole number from 0" in done.stderr
    assert not (tmp_path / "outputs").exists(), "values are looked at before the first job begins"
    done = run(cache, tmp_path, "train.py", *asked, "seed=1,0", "batch_size=${seed}")
    assert done.returncode == 1 and "batch_size=0 must be a whole number from 1" in done.stdout
    folder = tmp_path / "outputs" / "seeds" / "ridge_seed0"
    assert not (folder / "config.yaml").exists()
    record = json.loads((folder / "job.json").read_text())
    assert record["error"][0] == "ConfigError"
    alone = shlex.split(record["command"])[2:]
    succeed(cache, tmp_path, "train.py", *[each.replace("seed=0", "seed=4") for each in alone])
    assert (folder / "weights.safetensors").is_file()

    again = succeed(cache, tmp_path, "train.py", *asked, "seed=1", "batch_size=${seed}")
    assert "of 1 jobs 0 finished, 1 had been finished before" in again


def test_ctrl_c_ends_a_sweep_and_says_how_to_go_on(table: Path, tmp_path: Path, cache: Path) -> None:
    sweep = Command(
        cache, tmp_path, "train.py", "-m", "model=lm_mlp", "seed=1,2", "patience=null", "metric=mse",
        "trainer.max_epochs=100000", "data=emo3d", f"data.root={table}", "tracking=none",
        "hydra.sweep.dir=swept",
    )  # fmt: skip
    end = time.monotonic() + LIMIT
    while not (tmp_path / "swept" / "0" / "checkpoints" / "last.ckpt").is_file():
        assert sweep.running and time.monotonic() < end
        time.sleep(0.1)
    sweep.send(signal.SIGINT)
    done = sweep.wait()
    assert done.returncode == 128 + signal.SIGINT
    assert "of 2 jobs 0 finished, 1 stopped, 1 not begun" in done.stdout
    assert "hydra.sweep.dir=swept resume=true" in done.stdout
    assert read_job(tmp_path / "swept" / "0" / "job.json").status == "stopped"
