"""Which run a fresh page shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from emo3d_exp.errors import ConfigError
from emo3d_exp.studio import runs
from emo3d_exp.studio.runs import chosen_run, finished_runs, load_run


def run_folder(path: Path, age: int, model: str = "vae_clip", finished: bool = True) -> Path:
    """The files that a run is known by; ``age`` in seconds."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("run_dir: null\n")
    (path / "model.json").write_text(json.dumps({"model": model}))
    if finished:
        (path / "weights.safetensors").write_bytes(b"")
        os.utime(path / "weights.safetensors", (10**9 - age, 10**9 - age))
    return path


def test_finished_runs_come_newest_first_and_sweeps_count(tmp_path: Path) -> None:
    old = run_folder(tmp_path / "a_old", 100)
    swept = run_folder(tmp_path / "multirun" / "0", 50)
    new = run_folder(tmp_path / "b_new", 1)
    run_folder(tmp_path / "unfinished", 0, finished=False)
    run_folder(tmp_path / "embeds", 0, model="face_clip")
    (run_folder(tmp_path / "broken", 0) / "model.json").write_text("{")
    assert finished_runs(tmp_path) == [new, swept, old]
    assert finished_runs(tmp_path / "nowhere") == []


def test_the_newest_run_is_taken_and_it_is_said(tmp_path: Path) -> None:
    old, new = run_folder(tmp_path / "old", 9), run_folder(tmp_path / "new", 1)
    path, why = chosen_run(None, tmp_path)
    assert path == new and "newest finished run" in why
    assert chosen_run(None, tmp_path, besides=new)[0] == old


def test_a_given_run_is_taken(tmp_path: Path) -> None:
    given = run_folder(tmp_path / "given", 9)
    run_folder(tmp_path / "newer", 1)
    assert chosen_run(str(given), tmp_path)[0] == given
    with pytest.raises(ConfigError, match="no run folder"):
        chosen_run(str(tmp_path), tmp_path)


def test_without_any_run_one_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "train_default", lambda outputs: outputs / "trained")
    path, why = chosen_run(None, tmp_path)
    assert path == tmp_path / "trained" and "just trained" in why


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        load_run(tmp_path / "missing")
