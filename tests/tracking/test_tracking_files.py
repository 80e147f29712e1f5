from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from emo3d_exp.tracking import CSVTracker, NoTracker, SampleFaces, Tracker


def started(tracker: Tracker, run_dir: Path, resume_id: str | None = None) -> Any:
    tracker.start(run_dir, {"seed": 1}, "name", None, [], "train", resume_id)
    return tracker


def write_curve(tracker: Tracker, values: list[float]) -> None:
    (logger,) = tracker.lightning_loggers()
    for epoch, value in enumerate(values):
        logger.log_metrics({"val/mse": value, "epoch": epoch}, step=epoch)
    logger.save()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_tracker_writes_curves_and_summary(tmp_path: Path) -> None:
    tracker = started(CSVTracker(), tmp_path)
    write_curve(tracker, [0.5, 0.25])
    tracker.summary({"test/mse": 0.1, "test/emo3d": 0.6, "test/judge": "face_clip (a1)"})
    tracker.summary({"test/mse": 0.0123456789012345})
    tracker.finish(0)
    curve = read(tmp_path / "curves" / "metrics.csv")
    assert [(row["epoch"], float(row["val/mse"])) for row in curve] == [("0", 0.5), ("1", 0.25)]
    summary = {row["metric"]: row["value"] for row in read(tmp_path / "summary.csv")}
    assert summary.pop("test/judge") == "face_clip (a1)"
    summary = {name: float(value) for name, value in summary.items()}
    assert summary == {"test/mse": 0.0123456789012345, "test/emo3d": 0.6}
    assert "curves/metrics.csv" in tracker.where()
    assert str(tmp_path) in tracker.where()


def test_continued_run_keeps_the_earlier_curves_and_summary(tmp_path: Path) -> None:
    first = started(CSVTracker(), tmp_path)
    write_curve(first, [0.5])
    first.summary({"test/mse": 0.1})
    first.finish(0)
    second = started(CSVTracker(), tmp_path, first.run_id)
    write_curve(second, [0.25])
    second.summary({"val/mse": 0.2})
    second.finish(0)
    assert read(tmp_path / "curves" / "metrics.csv")[0]["val/mse"] == "0.5"
    assert read(tmp_path / "curves_2" / "metrics.csv")[0]["val/mse"] == "0.25"
    assert [row["metric"] for row in read(tmp_path / "summary.csv")] == ["test/mse", "val/mse"]


def test_evaluation_alone_writes_no_curves(tmp_path: Path) -> None:
    tracker = started(CSVTracker(), tmp_path)
    tracker.summary({"test/mse": 0.1})
    tracker.finish(0)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]
    assert "curves" not in tracker.where()


def test_no_tracker_writes_nothing(tmp_path: Path, samples: SampleFaces) -> None:
    tracker = started(NoTracker(), tmp_path)
    assert tracker.lightning_loggers() == []
    assert len(tracker.rows(250)) == 0
    tracker.summary({"test/mse": 0.1})
    tracker.report(tmp_path, samples)
    tracker.finish(1)
    assert tracker.run_id is None
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) in tracker.where()
