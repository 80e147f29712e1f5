"""Evaluations and leaderboards as an offline W&B run holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from test_tracking_wandb_offline import merged, read_run, start

from emo3d_exp.tracking import CSVTracker, WandbTracker
from emo3d_exp.vocab import EMOTIONS

PAGE = "<!doctype html><html><body>&lt;b&gt; as it was</body></html>"
CONFUSION = np.zeros((8, 8), int)
CONFUSION[1, 1], CONFUSION[1, 4], CONFUSION[4, 4] = 3, 2, 5


@pytest.fixture
def run_dir(tmp_path: Path, no_wandb_settings: None) -> Path:
    return tmp_path / "a run"


@pytest.fixture
def evaluation(run_dir: Path) -> Path:
    folder = run_dir / "evaluation" / "val"
    folder.mkdir(parents=True)
    content = {
        "metrics": {"mse": 0.01, "emo3d": 0.6, "emo3d_relative": 0.1},
        "references": {"ground_truth": {"mse": 0.0, "emo3d": 0.55}, "text": {"emo3d": 0.58}},
        "emotions": {
            "happiness": {"prompts": 5, "mse": 0.02, "emo3d": 0.61, "emotion_accuracy": 0.6},
            "anger": {"prompts": 5, "mse": 0.03, "emo3d": 0.62, "emotion_accuracy": 1.0},
        },
        "confusion": CONFUSION.tolist(),
        "provenance": {"system": "vae_clip"},
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    pd.DataFrame({"emo3d": np.linspace(0.5, 0.9, 10)}).to_parquet(folder / "per_sample.parquet")
    (folder / "report.html").write_text(PAGE)
    return folder


def stored(records: list[dict[str, Any]], run_dir: Path) -> dict[str, Path]:
    """Files by the name of what is shown, of tables and pages."""
    (files,) = (run_dir / "wandb").glob("offline-run-*/files")
    history = [record["history"]["item"] for record in records if record["type"] == "history"][-1]
    names = {name.removesuffix(".path"): value for name, value in history.items() if name.endswith(".path")}
    return {name: files / path for name, path in names.items()}


def table(file: Path) -> list[dict[str, Any]]:
    content = json.loads(file.read_text())
    return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]


def test_an_evaluation_shows_its_tables_plots_and_page(run_dir: Path, evaluation: Path) -> None:
    tracker = start(WandbTracker(), run_dir)
    tracker.report(evaluation)
    tracker.finish(0)
    (records,) = read_run(run_dir)
    files = stored(records, run_dir)
    assert files["val/report"].read_text() == PAGE
    system, truth, text = table(files["val/references"])
    assert (system["system"], system["emo3d_relative"], truth["mse"]) == ("vae_clip", 0.1, 0.0)
    assert (text["emo3d"], text["mse"]) == (0.58, None)
    assert [(row["emotion"], row["prompts"]) for row in table(files["val/emotions"])] == [
        ("happiness", 5), ("anger", 5),
    ]  # fmt: skip
    counted = {
        (row["Actual"], row["Predicted"]): row["nPredictions"]
        for row in table(next(file for name, file in files.items() if name.startswith("val/confusion")))
    }
    assert sum(counted.values()) == CONFUSION.sum()
    for (asked, seen), count in counted.items():
        assert count == CONFUSION[EMOTIONS.index(asked), EMOTIONS.index(seen)]
    (shown,) = [
        r["history"]["item"]
        for r in records
        if "val/per_prompt._type" in r.get("history", {}).get("item", {})
    ]
    assert sum(shown["val/per_prompt.values"]) == 10


def test_an_evaluation_by_errors_alone_has_no_confusion(run_dir: Path, evaluation: Path) -> None:
    content = json.loads((evaluation / "metrics.json").read_text())
    content |= {"metrics": {"mse": 0.1}, "references": {}, "emotions": {"fear": {"prompts": 1, "mse": 0.1}}}
    (evaluation / "metrics.json").write_text(json.dumps({**content, "confusion": None}))
    pd.DataFrame({"mse": [0.1, 0.2]}).to_parquet(evaluation / "per_sample.parquet")
    tracker = start(WandbTracker(), run_dir)
    tracker.report(evaluation)
    tracker.finish(0)
    (records,) = read_run(run_dir)
    files = stored(records, run_dir)
    assert table(files["val/emotions"]) == [{"emotion": "fear", "prompts": 1, "mse": 0.1}]
    assert not [name for name in files if "confusion" in name]


def test_a_leaderboard_shows_its_tables_picture_and_page(run_dir: Path) -> None:
    run_dir.mkdir()
    pd.DataFrame({"system": ["a", "b"], "emo3d": [0.6, 0.7], "mse_sd": [0.1, None]}).to_csv(
        run_dir / "systems.csv", index=False
    )
    pd.DataFrame({"run": ["a1"], "emo3d": [0.6]}).to_csv(run_dir / "leaderboard.csv", index=False)
    cv2.imwrite(str(run_dir / "comparison.png"), np.full((8, 8, 3), 90, np.uint8))
    (run_dir / "leaderboard.html").write_text(PAGE)
    tracker = start(WandbTracker(), run_dir, job="leaderboard")
    tracker.summary({"a/emo3d": 0.6})
    tracker.leaderboard(run_dir)
    tracker.finish(0)
    (records,) = read_run(run_dir)
    files = stored(records, run_dir)
    assert set(files) == {"systems", "runs", "comparison", "page"}
    assert files["page"].read_text() == PAGE
    assert (cv2.imread(str(files["comparison"])) == 90).all()
    assert table(files["systems"]) == [
        {"system": "a", "emo3d": 0.6, "mse_sd": 0.1}, {"system": "b", "emo3d": 0.7, "mse_sd": None},
    ]  # fmt: skip
    (run,) = [record["run"] for record in records if record["type"] == "run"]
    assert run["job_type"] == "leaderboard" and merged(records, "summary")["a/emo3d"] == 0.6


def test_files_alone_are_enough_for_a_leaderboard(tmp_path: Path) -> None:
    tracker = CSVTracker()
    tracker.start(tmp_path, {}, "leaderboard", None, [], "leaderboard", None)
    tracker.leaderboard(tmp_path)
    assert list(tmp_path.iterdir()) == []
