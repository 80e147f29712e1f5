"""Which run a fresh page shows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.cli import CONF, script
from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder
from emo3d_exp.studio import runs
from emo3d_exp.studio.runs import LoadedRun, chosen_run, finished_runs, load_run, train_default


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


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders load without a model; one called "damaged…" does not."""

    def load(path: Path) -> LoadedRun:
        if path.name.startswith("damaged"):
            raise Emo3DError(f"{path.name} holds no weights")
        return LoadedRun(path, "vae_clip", {}, lambda texts: np.zeros((len(texts), 52)))  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "load_run", load)


@pytest.mark.usefixtures("loading")
def test_the_newest_run_is_taken_and_it_is_said(tmp_path: Path) -> None:
    old, new = run_folder(tmp_path / "old", 9), run_folder(tmp_path / "new", 1)
    run, why = chosen_run(None, tmp_path)
    assert run.path == new and "newest finished run under" in why and "skipped" not in why
    assert chosen_run(None, tmp_path, besides=new)[0].path == old


@pytest.mark.usefixtures("loading")
def test_a_newest_run_that_does_not_load_is_skipped_and_named(tmp_path: Path) -> None:
    old = run_folder(tmp_path / "old", 9)
    run_folder(tmp_path / "damaged_a", 2), run_folder(tmp_path / "damaged_b", 1)
    run, why = chosen_run(None, tmp_path)
    assert run.path == old
    assert why.endswith(
        "skipped: damaged_b (damaged_b holds no weights); damaged_a (damaged_a holds no weights)"
    )


@pytest.mark.usefixtures("loading")
def test_a_given_run_is_taken(tmp_path: Path) -> None:
    given = run_folder(tmp_path / "given", 9)
    run_folder(tmp_path / "newer", 1)
    assert chosen_run(str(given), tmp_path)[0].path == given
    with pytest.raises(ConfigError, match="no run folder"):
        chosen_run(str(tmp_path), tmp_path)
    with pytest.raises(Emo3DError, match="holds no weights"):
        chosen_run(str(run_folder(tmp_path / "damaged", 0)), tmp_path)


@pytest.mark.usefixtures("loading")
def test_without_any_run_one_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "train_default", lambda outputs: outputs / "trained")
    run, why = chosen_run(None, tmp_path)
    assert run.path == tmp_path / "trained" and "just trained" in why
    run_folder(tmp_path / "damaged", 0)
    assert "skipped: damaged (" in chosen_run(None, tmp_path)[1]


def test_the_run_that_is_trained_has_the_default_config_without_tracking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a running studio, as when it finds no run; the trainer itself is not part of this."""
    trained: list[tuple[RunFolder, DictConfig]] = []
    monkeypatch.setattr("emo3d_exp.app.train.train_in", lambda run, cfg: trained.append((run, cfg)))
    quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none"]
    monkeypatch.setattr(sys, "argv", ["studio", *quiet])
    monkeypatch.chdir(tmp_path)
    paths: list[Path] = []
    script("studio")(lambda cfg: paths.append(train_default(tmp_path / "outputs")))()
    [(run, cfg)] = trained
    assert run.path == paths[0] and run.path.parent == tmp_path / "outputs"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        expected = compose("train", overrides=["tracking=none"])
    given, wanted = OmegaConf.to_container(run.config()), OmegaConf.to_container(expected, resolve=True)
    assert given | {"run_dir": None} == wanted | {"run_dir": None}  # type: ignore[operator]
    assert cfg.tracking._target_ == "emo3d_exp.tracking.NoTracker"


@pytest.mark.parametrize("content", ["{", "[]", '{"metrics": []}', '{"metrics": null}', "\x00", ""])
def test_damaged_scores_are_none_with_a_warning(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = RunFolder(tmp_path).evaluation("test") / "metrics.json"
    assert runs._metrics(tmp_path) == {} and not caplog.records
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert runs._metrics(tmp_path) == {}
    assert "metrics.json is damaged" in caplog.text


def test_scores_are_read(tmp_path: Path) -> None:
    file = RunFolder(tmp_path).evaluation("test") / "metrics.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"metrics": {"emo3d": 0.6, "mse": 0, "judge": "face_clip", "none": null}}')
    assert runs._metrics(tmp_path) == {"emo3d": 0.6, "mse": 0.0}


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        load_run(tmp_path / "missing")
