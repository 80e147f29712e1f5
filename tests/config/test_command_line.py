"""The scripts as a user starts them, each in a process of its own and in a folder of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import ROOT, run

HEAVY = {
    "torch", "pytorch_lightning", "torchmetrics", "transformers", "open_clip", "timm", "wandb", "mediapipe",
    "cv2", "pandas", "scipy", "matplotlib",
}  # fmt: skip


def imported(script: str, *arguments: str, folder: Path) -> tuple[set[str], str]:
    """Top-level modules in memory when a script ends, and what it printed."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = {[script, *arguments]!r}\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "try:\n"
        f"    runpy.run_path({str(ROOT / script)!r}, run_name='__main__')\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('MODULES', *sorted(name for name in sys.modules if '.' not in name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    shown, _, modules = done.stdout.rpartition("MODULES ")
    assert modules
    return set(modules.split()), shown + done.stderr


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "build_data.py"])
def test_help_is_cheap_and_shows_commands_choices_and_keys(script: str, tmp_path: Path) -> None:
    modules, shown = imported(script, "--help", folder=tmp_path)
    assert modules & HEAVY == set()
    assert f"python {script}" in shown
    assert re.search(
        r"^data=\n    emo3d +The published data set.*\n  \* mini +The offline", shown, re.MULTILINE
    )
    assert "seed: 0" in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "build_data.py"])
def test_config_is_shown_from_any_folder_and_nothing_runs(script: str, tmp_path: Path, cache: Path) -> None:
    shown = run(cache, tmp_path, script, "--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    assert yaml.safe_load(shown.stdout)["data"]["_target_"] == "emo3d_exp.data.MiniData"
    assert list(tmp_path.iterdir()) == []


def test_showing_the_config_is_cheap(tmp_path: Path) -> None:
    modules, shown = imported("train.py", "--cfg", "job", "model=clip_mlp", folder=tmp_path)
    assert modules & HEAVY == set()
    assert yaml.safe_load(shown)["model"] == {"name": "clip_mlp"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["loss.lamda_text=1"],
            ["'loss.lamda_text'", "did you mean 'loss.lambda_text'", "loss.lambda_image"],
        ),
        (
            ["model=clip_mlp", "loss.lambda_text=1"],
            ["'loss.lambda_text'", "'lambda_text' is unknown in 'loss'"],
        ),
        (["experiment=paper/bert"], ["no experiment=paper/bert", "face_clip", "paper/bert_mlp"]),
        (["experiment/paper=bert_mlp"], ["'experiment/paper' is no setting", "experiment=paper/bert_mlp"]),
        (["modle=vae_clip"], ["'modle'", "did you mean 'model'", "backbone"]),
        (["model=vae_klip"], ["no model=vae_klip", "did you mean 'model=vae_clip'", "clip_mlp"]),
        (["sweep=seed"], ["no sweep=seed", "did you mean 'sweep=seeds'", "learning_rate"]),
        (["hydra/launcher=jobib"], ["no hydra/launcher=jobib", "did you mean 'hydra/launcher=joblib'"]),
        (["backbone@metric.judge=clip"], ["no backbone=clip;", "clip_vit_b32"]),
        (
            ["trainer.max_epoch=1"],
            ["'max_epoch' is unknown in 'trainer'", "did you mean 'trainer.max_epochs'"],
        ),
        (["-m", "model=clip_mlp,vae_clip", "sed=1,2"], ["'sed'", "did you mean 'seed'"]),
        (
            ["-m", "model=vae_clip,clip_mlp", "loss.lambda_text=0.1,0.5"],
            ["'lambda_text' is unknown in 'loss' with model=clip_mlp"],
        ),
        (
            ["sweep=optuna_vae_clip", "hydra.sweeper.n_trail=3"],
            ["'n_trail' is unknown in 'hydra.sweeper'", "did you mean 'hydra.sweeper.n_trials'"],
        ),
        (["experiment=vae_clip"], ["did you mean 'experiment=paper/vae_clip'"]),
        (["backbone@metric.judge=clipvit"], ["did you mean 'backbone@metric.judge=clip_vit_b32'"]),
        (["-m", "seed=1,two"], ["seed=two must be a whole number from 0"]),
        (["-m", "model=vae_clip", "loss.lambda_text=1,-1"], ["loss.lambda_text=-1 must be a number"]),
        (["run_dir=made", "resume=true"], ["no run folder"]),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    arguments: list[str], expected: list[str], tmp_path: Path, cache: Path
) -> None:
    done = run(cache, tmp_path, "train.py", *arguments)
    assert done.returncode == 2, done.stderr
    assert any(line.startswith("error: ") for line in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stderr
    for part in expected:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["run_dir=", "predictions="]),
        (["run_dir=a", "predictions=b.csv"], ["run_dir=", "predictions="]),
        (["run_dir=nowhere"], ["nowhere is no run folder"]),
        (["run_dir=none*"], ["none*", "0 run folders"]),
        (["path=CLIP_Baseline.pth", "run_dir=a"], ["path=", "checkpoint=released/"]),
        (
            ["checkpoint=released/bert"],
            ["no checkpoint=released/bert", "released/clip_mlp", "released/vae_clip"],
        ),
    ],
)
def test_evaluate_tells_what_it_needs_and_leaves_nothing(
    arguments: list[str], expected: list[str], tmp_path: Path, cache: Path
) -> None:
    done = run(cache, tmp_path, "evaluate.py", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for part in expected:
        assert part in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_its_backbone_is_told_before_torch_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    (tmp_path / "any.pth").write_bytes(b"")
    given = ("evaluate.py", "checkpoint=released/clip_mlp", "path=any.pth")
    modules, shown = imported(*given, folder=tmp_path)
    assert "backbone clip_vit_b32: no open_clip_model.safetensors" in shown and "Traceback" not in shown
    assert modules & HEAVY == set()
    assert [file.name for file in tmp_path.iterdir()] == ["any.pth"]


def test_evaluate_refuses_unknown_keys_by_name(tmp_path: Path, cache: Path) -> None:
    done = run(cache, tmp_path, "evaluate.py", "metric.kk=3")
    assert done.returncode == 2
    assert "'metric.kk'" in done.stderr
    assert "metric.eps" in done.stderr


def test_an_existing_run_is_refused_before_torch_is_imported(tmp_path: Path) -> None:
    folder = tmp_path / "used"
    folder.mkdir()
    (folder / "config.yaml").write_text("seed: 1\n")
    modules, shown = imported("train.py", "run_dir=used", folder=tmp_path)
    assert "already holds a run" in shown
    assert "Traceback" not in shown
    assert modules & HEAVY == set()
    assert (folder / "config.yaml").read_text() == "seed: 1\n"


def test_a_run_folder_that_cannot_be_made_is_told(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(cache, tmp_path, "train.py", "run_dir=file/run")
    assert done.returncode == 2, done.stderr
    assert "file/run" in done.stderr
    assert "Traceback" not in done.stderr
