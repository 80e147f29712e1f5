"""Train → evaluate → reload → predict on a small build of data=mini, through the commands of the README."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, SMALL, Command, environment, run, succeed

from emo3d_exp.evaluation import load_predictions

LOOKS = ("metric.looks.count=2",)


@pytest.fixture(scope="module")
def place(tmp_path_factory, new_cache):
    """A cache and a working folder that the tests of this module share."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "cache").symlink_to(new_cache(), target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def trained(place):
    """A run by a process that has nothing loaded yet, as a user's has not."""
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        *SMALL,
        *LOOKS,
        "trainer.max_epochs=4",
        "run_dir=first",
    ]
    done = subprocess.run(
        command, cwd=place, env=environment(place / "cache"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "first"


def metrics_of(run_dir: Path, part: str = "test") -> dict:
    return json.loads((run_dir / "evaluation" / part / "metrics.json").read_text())


def test_a_run_leaves_all_that_later_tools_need(trained):
    for name in ("config.yaml", "provenance.json", "weights.safetensors", "model.json", "train.log"):
        assert (trained / name).is_file(), name
    report = trained / "evaluation" / "test"
    for name in ("predictions.parquet", "metrics.json", "per_sample.parquet", "faces.png", "report.html"):
        assert (report / name).is_file(), name
    result = metrics_of(trained)
    assert result["schema"] == 2
    assert {"mse", "mse_51", "emo3d", "emo3d_kl"} <= result["metrics"].keys()
    assert set(result["references"]) == {"ground_truth", "mean_face", "neutral", "other_sample", "text"}
    assert result["references"]["ground_truth"]["mse"] == 0
    assert all(0.5 <= r["emo3d"] < 1 for r in result["references"].values())
    assert list((trained / "wandb").glob("offline-run-*/*.wandb"))


def test_a_used_folder_is_refused(trained, place):
    before = (trained / "weights.safetensors").stat().st_mtime_ns
    done = run(place / "cache", place, "train.py", *SMALL, "run_dir=first")
    assert done.returncode == 2
    assert "already holds a run" in done.stderr and "resume=true" in done.stderr
    assert (trained / "weights.safetensors").stat().st_mtime_ns == before


def test_a_moved_folder_scores_the_same_and_continues_the_page(trained, place):
    moved = place / "elsewhere" / "moved"
    shutil.copytree(trained, moved)
    succeed(place / "cache", place / "elsewhere", "evaluate.py", "run_dir=moved")
    assert metrics_of(moved)["metrics"] == metrics_of(trained)["metrics"]
    known = json.loads((moved / "tracking.json").read_text())["run_id"]
    assert json.loads((trained / "tracking.json").read_text())["run_id"] == known
    succeed(
        place / "cache", place / "elsewhere", "evaluate.py",
        "run_dir=moved", "part=val", "metric=mse", "tracking=none",
    )  # fmt: skip
    assert "emo3d" not in metrics_of(moved, "val")["metrics"]


def test_predictions_are_an_open_door(trained, place):
    """What our model predicted, handed in as an outside system's CSV, gets our model's scores."""
    from emo3d_exp.evaluation import save_predictions

    predictions = load_predictions(trained / "evaluation" / "test" / "predictions.parquet")
    save_predictions(place / "outside.csv", predictions)
    asked = ("predictions=outside.csv", "data.rows=200", *LOOKS)
    succeed(place / "cache", place, "evaluate.py", *asked)
    outside = json.loads((place / "outside_evaluation" / "metrics.json").read_text())
    for name, value in metrics_of(trained)["metrics"].items():
        assert outside["metrics"][name] == pytest.approx(value, abs=1e-6), name


def test_predict_shows_the_strongest_blendshapes_and_the_face(trained, place):
    from PIL import Image

    from emo3d_exp import load_predictor

    text = "a faint, bitter smile, and: nothing else"
    said = succeed(
        place / "cache", place, "emo3d_exp.predict", "run_dir=first", f"text={text}", "size=96", "top=3"
    )
    scores = load_predictor(trained)([text])
    assert scores.shape == (1, 52) and scores.dtype == np.float32
    assert f"{scores.max():.3f}" in said and len(said.splitlines()) == 5
    assert Image.open(place / "face.png").size == (96, 96)
    done = run(place / "cache", place, "emo3d_exp.predict", "run_dir=first", "txt=x")
    assert done.returncode == 2 and "text=" in done.stderr


def test_a_killed_run_says_so_and_goes_on(place):
    arguments = [*SMALL, "trainer.max_epochs=80", "patience=null", "run_dir=killed", "metric=mse"]
    process = Command(place / "cache", place, "train.py", *arguments, "tracking=none")
    last = place / "killed" / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 200
    while not last.is_file() and process.running and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    assert last.is_file() and not (place / "killed" / "weights.safetensors").exists()
    unfinished = run(place / "cache", place, "evaluate.py", "run_dir=killed")
    assert unfinished.returncode == 2 and "resume=true" in unfinished.stderr
    succeed(place / "cache", place, "train.py", "run_dir=killed", "resume=true")
    assert metrics_of(place / "killed")["metrics"]["mse"] > 0


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(place):
    quick = [*SMALL, "trainer.max_epochs=2", "metric=mse", "tracking=none"]
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        succeed(place / "cache", place, "train.py", *quick, f"seed={seed}", f"run_dir={name}")
    same, again, other = (metrics_of(place / name)["metrics"] for name in "abc")
    assert same == again
    assert same["mse"] != other["mse"]


def test_a_sweep_gives_every_job_a_folder_of_its_own(place):
    quick = [*SMALL, "trainer.max_epochs=1", "metric=mse", "tracking=none"]
    succeed(place / "cache", place, "train.py", "-m", "model=clip_mlp,vae_clip", *quick)
    jobs = sorted(place.glob("outputs/*_multirun/*/evaluation/test/metrics.json"))
    systems = [json.loads(job.read_text())["provenance"]["system"] for job in jobs]
    assert systems == ["clip_mlp", "vae_clip"]
    board = succeed(place / "cache", place, "evaluate.py", "run_dir=outputs/*_multirun/*", "out=board")
    assert "clip_mlp" in board and (place / "board" / "leaderboard.csv").is_file()
