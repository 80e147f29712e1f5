"""A run of every kind of job, tracked offline and read back: it holds every figure that the job has left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import SMALL, succeed

from emo3d_exp.comparison import WandbRun, read_wandb_file

pytestmark = pytest.mark.slow
OFFLINE = ("tracking=wandb", "tracking.mode=offline")


def parts(folder: Path) -> list[WandbRun]:
    """What W&B's files in a folder hold, the oldest first."""
    files = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    return [read_wandb_file(file) for file in files]


def metrics(run: Path, part: str) -> dict[str, float]:
    """``<part>/<figure>`` of an evaluation."""
    return figures_in(run / "evaluation" / part, part)


def figures_in(evaluation: Path, part: str) -> dict[str, float]:
    content = json.loads((evaluation / "metrics.json").read_text(encoding="utf-8"))
    return {f"{part}/{name}": value for name, value in content["metrics"].items() if value is not None}


def held(summary: dict[str, float | str], figures: dict[str, float]) -> dict[str, float | str]:
    return {name: summary[name] for name in figures}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Path:
    """A data set that was built, a run that was trained and scored twice, a leaderboard, and an outside
    system."""
    place, cache = tmp_path_factory.mktemp("tracked"), warm_cache
    data = ("data.folder=built", "data.rows=200")
    kept = "tracking.artifacts=[weights,predictions,checkpoint]"
    succeed(cache, place, "build_data.py", *data, *OFFLINE)
    looks = "metric.looks.count=1"
    succeed(cache, place, "train.py", *SMALL, *data, *OFFLINE, kept, looks, "model=ridge", "run_dir=runs/a")
    succeed(cache, place, "evaluate.py", "run_dir=runs/a", "part=val")
    succeed(cache, place, "evaluate.py", "run_dir=runs/*", "out=board", *OFFLINE)
    answers = "predictions=runs/a/evaluation/test/predictions.parquet"
    succeed(cache, place, "evaluate.py", answers, *data, *OFFLINE, looks, "threads=1", "out=outside")
    return place


def test_a_build_holds_the_counts_of_its_stages(folder: Path) -> None:
    (built,) = parts(folder / "built")
    assert (built.job_type, built.group, built.exit_code) == ("build", "builds", 0)
    manifests = {
        file.parent.name: json.loads(file.read_text()) for file in folder.glob("built/*/manifest.json")
    }
    assert len(manifests) == 5
    for stage, manifest in manifests.items():
        assert built.summary[f"{stage}/rows"] == manifest["rows"] == 200
        assert built.summary[f"{stage}/complete"] == 1
        assert built.summary[f"{stage}/set_aside"] == manifest.get("set_aside", 0)
    assert (built.summary["calls"], built.summary["cost"]) == (0, 0)
    assert built.config["data"]["rows"] == 200


def test_a_training_and_its_evaluation_hold_every_metric(folder: Path) -> None:
    trained, evaluated = parts(folder / "runs" / "a")
    assert trained.run_id == evaluated.run_id
    assert (trained.job_type, trained.exit_code, evaluated.exit_code) == ("train", 0, 0)
    test, val = metrics(folder / "runs" / "a", "test"), metrics(folder / "runs" / "a", "val")
    assert len(test) > 20
    assert held(trained.summary, test) == pytest.approx(test)
    assert held(evaluated.summary, val | test) == pytest.approx(val | test)
    model = json.loads((folder / "runs" / "a" / "model.json").read_text())
    assert trained.summary["best_validation_error"] == trained.summary["val/mse"] == model["val/mse"]


def test_a_leaderboard_holds_the_figures_of_its_systems(folder: Path) -> None:
    (board,) = parts(folder / "board")
    assert board.job_type == "leaderboard"
    run = folder / "runs" / "a"
    told = json.loads((run / "model.json").read_text())
    scored = {name.removeprefix("test/"): value for name, value in metrics(run, "test").items()}
    figures = {name: scored[name] for name in ("mse", "emo3d", "r_at_10", "emotion_accuracy")}
    figures |= {name: told[name] for name in ("parameters", "train_seconds")}
    shown = {name: value for name, value in board.summary.items() if name.startswith("ridge/")}
    assert shown == pytest.approx({f"ridge/{name}": value for name, value in figures.items()})


def test_an_outside_system_holds_every_metric(folder: Path) -> None:
    (outside,) = parts(folder / "outside")
    assert (outside.job_type, outside.name, outside.exit_code) == ("evaluate", "predictions", 0)
    figures = figures_in(folder / "outside", "test")
    assert figures == pytest.approx(metrics(folder / "runs" / "a", "test"))
    assert held(outside.summary, figures) == pytest.approx(figures)
