"""A clock that is set back while a run is under way changes nothing of what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import ROOT, SMALL, succeed

TRAINING = (*SMALL, "tracking=wandb", "metric=mse", "trainer.max_epochs=2", "model=lm_mlp", "backbone=minilm")
SET_BACK = f"""
import itertools, runpy, sys, time

true, looks = time.time, itertools.count()
time.time = lambda: true() - 3600 * (next(looks) // 10)  # an hour, again and again
sys.argv[0] = "{ROOT / "train.py"}"
runpy.run_path(sys.argv[0], run_name="__main__")
assert next(looks) > 20, "nobody has looked at the clock"
"""


@pytest.mark.slow
def test_a_training_does_not_mind(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set_back.py").write_text(SET_BACK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    succeed(cache, tmp_path, "train.py", *TRAINING, "run_dir=plain")
    succeed(cache, tmp_path, "set_back", *TRAINING, "run_dir=back")
    plain, back = tmp_path / "plain", tmp_path / "back"
    assert (plain / "weights.safetensors").read_bytes() == (back / "weights.safetensors").read_bytes()
    scores = [json.loads((run / "evaluation/test/metrics.json").read_text()) for run in (plain, back)]
    assert scores[0]["metrics"]["mse"] == scores[1]["metrics"]["mse"]
    assert json.loads((back / "model.json").read_text())["train_seconds"] > 0
    assert len(list(back.glob("wandb/offline-run-*/*.wandb"))) == 1
