"""``tracking.artifacts``: what a run leaves, kept with its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_tracking_wandb_offline import read_run

from emo3d_exp.errors import ConfigError
from emo3d_exp.tracking import WandbTracker

pytestmark = pytest.mark.usefixtures("no_wandb_settings")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run folder as a training and an evaluation leave it."""
    folder = tmp_path / "run"
    for name in ("weights.safetensors", "checkpoints/best.ckpt", "checkpoints/last.ckpt", "config.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "model.json").write_text(json.dumps({"val/mse": 0.02, "model": "ridge"}))
    (folder / "provenance.json").write_text(json.dumps({"data_hash": "d1", "git": {"commit": "c1"}}))
    test = folder / "evaluation" / "test"
    test.mkdir(parents=True)
    (test / "predictions.parquet").write_bytes(b"predictions")
    content = {"metrics": {"mse": 0.5}, "references": {}, "provenance": {}}
    (test / "metrics.json").write_text(json.dumps(content))
    return folder


def artifacts(run_dir: Path, kinds: list[str], job: str = "train", code: int = 0) -> dict[str, Any]:
    """Type → artifact, of an offline run read back by W&B."""
    tracker = WandbTracker(artifacts=kinds)
    tracker.start(run_dir, {}, "n", None, [], job, None)
    tracker.report(run_dir / "evaluation" / "test")
    tracker.finish(code)
    import wandb

    wandb.teardown()
    (records,) = read_run(run_dir)
    found = [record["artifact"] for record in records if record["type"] == "artifact"]
    return {each["type"]: each for each in found if each["type"] != "run_table"}


def test_weights_checkpoints_and_predictions_are_kept(run_dir: Path) -> None:
    found = artifacts(run_dir, ["weights", "checkpoint", "predictions"])
    assert set(found) == {"model", "checkpoint", "predictions"}
    inside = {
        kind: {entry["path"]: Path(entry["local_path"]) for entry in each["manifest"]["contents"]}
        for kind, each in found.items()
    }
    assert set(inside["model"]) == {"weights.safetensors", "model.json", "config.yaml"}
    assert set(inside["checkpoint"]) == {"checkpoints/best.ckpt", "checkpoints/last.ckpt"}
    assert set(inside["predictions"]) == {"predictions.parquet", "metrics.json"}
    for files in inside.values():
        assert all(file.is_relative_to(run_dir) and file.is_file() for file in files.values())
    assert inside["checkpoint"]["checkpoints/best.ckpt"].read_bytes() == b"checkpoints/best.ckpt"
    model, told = (json.loads(found[kind]["metadata"]) for kind in ("model", "predictions"))
    assert model == {"data_hash": "d1", "commit": "c1", "val/mse": 0.02, "model": "ridge"}
    assert told == {"mse": 0.5}


def test_an_evaluation_keeps_its_predictions_alone(run_dir: Path) -> None:
    assert set(artifacts(run_dir, ["weights", "checkpoint", "predictions"], job="evaluate")) == {
        "predictions"
    }


def test_a_failed_training_keeps_no_weights_and_nothing_is_kept_unless_asked(run_dir: Path) -> None:
    assert artifacts(run_dir, ["weights", "checkpoint"], code=1) == {}


def test_nothing_is_kept_unless_asked(run_dir: Path) -> None:
    assert artifacts(run_dir, []) == {}


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match=r"tracking.artifacts=\['weight'\]: weight is none of weights"):
        WandbTracker(artifacts=["weight"])
