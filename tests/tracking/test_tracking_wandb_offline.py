from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emo3d_exp.tracking import SampleFaces, WandbTracker

CONFIG = {"seed": 3, "model": {"name": "vae_clip"}, "head": {"hidden": [256, 128]}, "group": None}
KEY = "k" * 40


def start(
    tracker: WandbTracker, run_dir: Path, resume_id: str | None = None, job: str = "train"
) -> WandbTracker:
    tracker.start(run_dir, CONFIG, "a name", "a group", ["mini"], job, resume_id)
    return tracker


def read_run(run_dir: Path) -> list[list[dict[str, Any]]]:
    """The records of each part of an offline run, by W&B's own reader."""
    parts = sorted((run_dir / "wandb").glob("offline-run-*"))
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json"]
    outputs = [
        subprocess.run([*command, str(part)], capture_output=True, text=True, check=True).stdout
        for part in parts
    ]
    return [[json.loads(line) for line in output.splitlines()] for output in outputs]


def merged(records: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for record in records:
        if record["type"] == kind:
            values |= record[kind].get("update", record[kind].get("item", {}))
    return values


def train_two_epochs(tracker: WandbTracker, run_dir: Path) -> None:
    import torch
    from pytorch_lightning import LightningModule, Trainer
    from torch.utils.data import DataLoader

    class Line(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: torch.Tensor) -> torch.Tensor:
            loss = (self.layer(batch) - batch).square().mean()
            self.log("train/loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    trainer = Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=tracker.lightning_loggers(),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run_dir,
    )
    trainer.fit(Line(), DataLoader(torch.ones(4, 1), batch_size=2))


@pytest.fixture
def run_dir(tmp_path: Path, no_wandb_settings: None) -> Path:
    return tmp_path / "a run"


@pytest.fixture
def evaluation(run_dir: Path) -> Path:
    folder = run_dir / "evaluation" / "test"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "faces.png"), np.full((8, 8, 3), 200, np.uint8))
    return folder


def test_offline_run_holds_everything(
    run_dir: Path, evaluation: Path, samples: SampleFaces, tmp_path: Path
) -> None:
    written = tmp_path / "face_3d.glb"
    written.write_bytes(b"glTF and what follows")
    tracker = start(WandbTracker(table_rows=4), run_dir)
    assert tracker.mode == "offline"
    train_two_epochs(tracker, run_dir)
    tracker.summary({"test/mse": 0.0125, "test/judge": "face_clip (a1)", "test/k": np.int64(10)})
    assert tracker.rows(10).tolist() == [0, 3, 6, 9]
    tracker.report(evaluation, samples, written)
    tracker.finish(0)
    tracker.finish(0)

    (records,) = read_run(run_dir)
    (run,) = [record["run"] for record in records if record["type"] == "run"]
    assert {name: run["config"]["update"][name] for name in CONFIG} == CONFIG
    assert (run["display_name"], run["run_group"], run["tags"]) == ("a name", "a group", ["mini"])
    assert (run["job_type"], run["run_id"]) == ("train", tracker.run_id)

    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    curve = [(row["epoch"], row["train/loss"]) for row in history if "train/loss" in row]
    assert [epoch for epoch, _ in curve] == [0, 1]
    assert curve[1][1] < curve[0][1]
    (metric,) = [record["metric"] for record in records if "glob_name" in record.get("metric", {})]
    assert (metric["glob_name"], metric["step_metric"]) == ("*", "epoch")
    summary = merged(records, "summary")
    assert summary["test/mse"] == 0.0125
    assert (summary["test/judge"], summary["test/k"]) == ("face_clip (a1)", 10)
    assert [record["exit"]["exit_code"] for record in records if record["type"] == "exit"] == [0]

    shown = history[-1]
    assert shown["test/samples.nrows"] == 4
    assert shown["test/face_3d._type"] == "object3D-file"
    (files,) = (run_dir / "wandb").glob("offline-run-*/files")
    assert (files / shown["test/faces.path"]).read_bytes() == (evaluation / "faces.png").read_bytes()
    assert (files / shown["test/face_3d.path"]).read_bytes() == written.read_bytes()


def test_table_has_text_emotions_scores_and_both_faces(
    run_dir: Path, evaluation: Path, samples: SampleFaces
) -> None:
    tracker = start(WandbTracker(), run_dir)
    tracker.report(evaluation, samples)
    tracker.finish(0)

    (records,) = read_run(run_dir)
    (artifact,) = [record["artifact"] for record in records if record["type"] == "artifact"]
    stored = {entry["path"]: Path(entry["local_path"]) for entry in artifact["manifest"]["contents"]}
    assert all(path.is_relative_to(run_dir.resolve()) for path in stored.values())
    table = json.loads(stored["test/samples.table.json"].read_text())
    row = dict(zip(table["columns"], table["data"][7], strict=True))
    assert len(table["data"]) == 10
    assert (row["sample_id"], row["text"]) == (107, "prompt number 7")
    assert (row["dominant"], row["emotions"]) == ("sadness", "sadness 0.80, anger 0.30")
    assert (row["mse"], row["emo3d"]) == (samples.mse[7], samples.emo3d[7])
    for column, shade in (("ground_truth", 7), ("prediction", 107)):
        assert (cv2.imread(str(stored[row[column]["path"]])) == shade).all()


def test_evaluation_continues_the_page(run_dir: Path, evaluation: Path, samples: SampleFaces) -> None:
    first = start(WandbTracker(), run_dir)
    first.summary({"test/mse": 0.0125, "epochs": 14})
    first.report(evaluation, samples)
    first.finish(0)
    second = start(WandbTracker(), run_dir, first.run_id, job="evaluate")
    second.summary({"test/mse": 0.02})
    second.finish(0)

    parts = read_run(run_dir)
    runs = [record["run"] for records in parts for record in records if record["type"] == "run"]
    assert [run["run_id"] for run in runs] == [first.run_id, first.run_id]
    # an upload appends to what is there, instead of beginning anew
    assert runs[1]["resume"] is True
    # the page stays a training's
    assert "job_type" not in runs[1]
    summary = merged(parts[1], "summary")
    assert (summary["test/mse"], summary["epochs"]) == (0.02, 14)
    assert summary["test/samples"]["nrows"] == 10
    folders = sorted(str(path) for path in (run_dir / "wandb").resolve().glob("offline-run-*"))
    assert len(folders) == 2
    assert second.where().endswith(f"wandb sync '{folders[0]}' '{folders[1]}'")
    assert "\n" not in second.where()
    Path(folders[0], f"run-{first.run_id}.wandb.synced").touch()
    assert second.where().endswith(f"wandb sync '{folders[1]}'")


def test_failed_run_is_marked(run_dir: Path) -> None:
    start(tracker := WandbTracker(), run_dir)
    tracker.finish(1)
    (records,) = read_run(run_dir)
    assert [record["exit"]["exit_code"] for record in records if record["type"] == "exit"] == [1]


def test_disabled_does_nothing(run_dir: Path, samples: SampleFaces) -> None:
    tracker = start(WandbTracker(mode="disabled"), run_dir)
    tracker.summary({"test/mse": 0.1})
    tracker.report(run_dir, samples)
    tracker.finish(0)
    assert tracker.mode == "disabled"
    assert (tracker.run_id, tracker.lightning_loggers(), len(tracker.rows(9))) == (None, [], 0)
    assert not run_dir.exists()
    assert "disabled" in tracker.where()


def test_key_is_written_nowhere(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, evaluation: Path, samples: SampleFaces
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    tracker = start(WandbTracker(mode="offline"), run_dir)
    tracker.report(evaluation, samples)
    tracker.finish(0)
    files = [path for path in run_dir.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in tracker.where()


def test_wandb_reports_its_usage_only_when_asked(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_ERROR_REPORTING")
    start(WandbTracker(), run_dir).finish(0)
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "true")
    start(WandbTracker(), run_dir).finish(0)
    assert os.environ["WANDB_ERROR_REPORTING"] == "true"


@pytest.mark.parametrize("kind", ["comm", "disk", "slow"])
def test_a_finished_run_does_not_fail_at_its_upload(
    run_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    import wandb

    error = {
        "comm": wandb.errors.CommError("server\nis gone"),
        "disk": OSError(28, "No space"),
        "slow": TimeoutError(),
    }
    tracker = start(WandbTracker(mode="offline"), run_dir)
    close = tracker._run.finish

    def fail(**_: Any) -> None:
        raise error[kind]

    try:
        with monkeypatch.context() as patch:
            patch.setattr(tracker._run, "finish", fail)
            tracker.finish(0)
    finally:
        close()
    told = [record.getMessage() for record in caplog.records if "not closed" in record.getMessage()]
    assert len(told) == 1 and "\n" not in "".join(told)
    assert "wandb sync" in tracker.where()


def test_a_training_outlives_the_service_of_w_and_b(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, no_wandb_settings: None
) -> None:
    import psutil

    before = {each.pid for each in psutil.process_iter() if each.name() == "wandb-core"}
    tracker = WandbTracker(mode="offline")
    tracker.start(tmp_path, {"seed": 1}, "a name", None, [], "train", None)
    (logger,) = tracker.lightning_loggers()
    logger.log_metrics({"val/mse": 0.5, "epoch": 0}, step=0)
    mine = psutil.Process().children(recursive=True)
    services = [each for each in mine if each.name() == "wandb-core" and each.pid not in before]
    assert services
    for each in services:
        each.kill()
        each.wait()
    for epoch in range(1, 20):
        logger.log_metrics({"val/mse": 0.4, "epoch": epoch}, step=epoch)
    tracker.summary({"test/mse": 0.1})
    tracker.finish()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("emo3d_exp")]
    again = WandbTracker(mode="offline")
    again.start(tmp_path / "next", {"seed": 2}, "another", None, [], "train", None)
    again.finish()
    assert list((tmp_path / "next").glob("wandb/offline-run-*/*.wandb")), "the next run of a sweep"
    assert 1 <= len(said) <= 4 and all("service on this machine has died" in message for message in said), (
        said
    )
