"""``python -m emo3d_exp.export``: from a run and from files, and what it refuses in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from tiny_task import config

from emo3d_exp import load_predictor
from emo3d_exp.app import assemble
from emo3d_exp.app import export as exporting
from emo3d_exp.app.cli import CONF
from emo3d_exp.app.export import export_faces
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.evaluation import load_predictions, save_predictions
from emo3d_exp.records import Predictions
from emo3d_exp.runs import RunFolder

TEXTS = ["anger 0.8 and fear 0.1", "happiness 0.9"]


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("export", list(overrides))


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]) -> Iterator[Path]:
    """A trained run, whose own rig lies in a file."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(new_cache()))
        cfg = config(folder, "model=clip_mlp", "optimizer.lr=0.01", "evaluate=false", "trainer.max_epochs=1")
        run = RunFolder(cfg.run_dir)
        run.create(cfg)
        train_in(run, cfg)
        yield run.path


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    scores = np.random.default_rng(1).random((3, 52)).astype(np.float32)
    return save_predictions(
        tmp_path / "mine.parquet", Predictions(np.array([12, 12, 40]), np.array([1, 2, 1]), scores)
    )


def test_faces_of_a_run(run_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "faces.json"
    caplog.set_level("INFO")
    export_faces(composed(f"run_dir={run_dir}", "format=arkit_json", f"out={out}"), TEXTS)
    assert caplog.messages[-1] == str(out)
    written = json.loads(out.read_text())
    assert [face["text"] for face in written] == TEXTS
    np.testing.assert_array_equal(
        load_predictions(out).blendshapes[:, 1:], load_predictor(run_dir)(TEXTS)[:, 1:]
    )


def test_texts_may_stand_in_the_config(run_dir: Path, tmp_path: Path) -> None:
    cfg = composed(
        f"run_dir={run_dir}", "text=happiness 0.9", f"out={tmp_path / 'a.json'}", "format=arkit_json"
    )
    export_faces(cfg)
    assert "jawOpen" in json.loads((tmp_path / "a.json").read_text())


def test_the_rig_is_the_runs_own_unless_it_is_given(run_dir: Path, tmp_path: Path) -> None:
    run = OmegaConf.load(run_dir / "config.yaml")
    changed = tmp_path / "run"
    changed.mkdir()
    for file in run_dir.iterdir():
        (changed / file.name).symlink_to(file)
    (changed / "config.yaml").unlink()
    run.rig = {"_target_": "emo3d_exp.faces.load_rig", "name": "gltf", "path": str(tmp_path / "none.glb")}
    OmegaConf.save(run, changed / "config.yaml")
    overrides = (f"run_dir={changed}", "format=png", "size=64", f"out={tmp_path / 'face.png'}")
    with pytest.raises(Exception, match=r"none\.glb"):
        export_faces(composed(*overrides), TEXTS[:1])
    export_faces(composed(*overrides, "rig=builtin"), TEXTS[:1], ["rig"])
    assert Image.open(tmp_path / "face.png").size == (64, 64)


@pytest.mark.parametrize(
    ("given", "size"),
    [([], 512), (["renderer.size=96"], 96), (["renderer.size=96", "size=64"], 64),
     (["renderer.margin=0.1"], 512), (["renderer.detail=light"], 512)],
)  # fmt: skip
def test_single_keys_of_the_renderer_leave_the_others_the_runs_own(
    given: list[str], size: int, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict] = []
    for module in (exporting, assemble):
        monkeypatch.setattr(module, "instantiate", lambda group, **more: made.append({**group, **more}))
    monkeypatch.setattr("emo3d_exp.exporters.export", lambda *arguments: [])
    own = OmegaConf.load(run_dir / "config.yaml")
    own.renderer.supersample, own.renderer.detail = 3, "light"
    monkeypatch.setattr(exporting, "_predicted", lambda *_: ({"blendshapes": np.zeros((1, 52))}, own))
    keys = [override.split("=")[0] for override in given]
    export_faces(composed(f"run_dir={run_dir}", "format=png", *given), TEXTS[:1], keys)
    renderer = made[1]
    assert (renderer["size"], renderer["supersample"]) == (size, 3)
    assert renderer["detail"] == ("light" if "renderer.detail" in keys else "full")
    assert renderer["margin"] == (0.1 if "renderer.margin" in keys else 0.06)


def test_the_view_and_the_light_have_names(predictions: Path, tmp_path: Path) -> None:
    pictures = []
    for number, given in enumerate(([], ["view=profile"], ["view=profile", "light=side"])):
        out = tmp_path / f"{number}.png"
        cfg = composed(
            f"predictions={predictions}", "sample_id=40", "format=png", "size=64", f"out={out}", *given
        )
        export_faces(cfg)
        pictures.append(np.asarray(Image.open(out)).astype(int))
    assert np.abs(pictures[1] - pictures[0]).mean() > 5
    assert np.abs(pictures[2] - pictures[1]).mean() > 2


def test_faces_of_a_file(predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "faces.json"
    cfg = composed(f"predictions={predictions}", "sample_id=[40,12]", "format=arkit_json", f"out={out}")
    export_faces(cfg)
    read, asked = load_predictions(out), load_predictions(predictions)
    assert (read.sample_id.tolist(), read.text_number.tolist()) == ([40, 12, 12], [1, 1, 2])
    np.testing.assert_array_equal(read.blendshapes[:, 1:], asked.blendshapes[[2, 0, 1], 1:])


@pytest.mark.parametrize(
    ("overrides", "texts", "told"),
    [
        (["predictions=FILE", "sample_id=7"], [], "no face of sample_id 7"),
        (["predictions=FILE", "sample_id=abc"], [], "no face of sample_id abc"),
        (["predictions=FILE", "sample_id=[]"], [], "no face of sample_id"),
        (["predictions=FILE"], ["joy"], "not both"),
        (["predictions=FILE", "view=back"], [], "unknown view 'back': choose front"),
        (["predictions=FILE", "light=red"], [], "unknown light 'red': choose studio"),
        (["predictions=FILE", "format=png", "out=a.glb"], [], r"out=a\.glb: format=png is written as \.png"),
        (["predictions=FILE", "fps=abc"], [], "fps=abc: give a number"),
        (["predictions=FILE", "format=fbx"], [], "unknown format 'fbx': choose arkit_json"),
        (["run_dir=somewhere"], [], "say which faces"),
        ([], ["joy"], "say which faces"),
        (["run_dir=somewhere", "sample_id=3"], ["joy"], "sample_id=… picks"),
        (["run_dir=somewhere"], ["joy"], "somewhere is no run folder"),
    ],
)
def test_what_is_refused(overrides: list[str], texts: list[str], told: str, predictions: Path) -> None:
    given = [override.replace("FILE", str(predictions)) for override in overrides]
    with pytest.raises(Exception, match=told) as caught:
        export_faces(composed(*given), texts)
    assert isinstance(caught.value, ConfigError) or "run folder" in told


COMMANDS = """
import sys
import emo3d_exp.app.export as task
from emo3d_exp.export import main

own = task.export_faces
task.export_faces = lambda cfg, texts, keys: print(repr((texts, keys)))
for arguments in (["text=" + TEXT, "fps=3"], ["text=[\'one, two\', three]"]):
    sys.argv[1:] = arguments
    main()
task.export_faces = own
sys.argv[1:] = ["predictions=mine.parquet", "format=livelink_csv"]
main()
sys.argv[1:] = ["frmat=png"]
main()
"""


def test_the_command_takes_any_text_and_writes_here(predictions: Path) -> None:
    """Signs that mean something to Hydra, a list, a file, a misspelt key: one process for them all."""
    text = 'a "faint", bitter ${smile}: {x} [y'
    done = subprocess.run(
        [sys.executable, "-c", f"TEXT = {text!r}\n{COMMANDS}"],
        cwd=predictions.parent, env={**os.environ, "PYTHONPATH": str(CONF.parent)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        repr(([text], ["fps"])), repr((["one, two", "three"], [])), "face.csv"
    ]  # fmt: skip
    assert done.returncode == 2 and "did you mean 'format'?" in done.stderr
    np.testing.assert_allclose(
        load_predictions(predictions.with_name("face.csv")).blendshapes[:, 1:],
        load_predictions(predictions).blendshapes[:, 1:],
        atol=1e-7,
    )
