"""The example package, installed as its users would, from the training to a picture."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import ROOT, run, succeed

from emo3d_exp.testing import check_encoder, check_model, check_rig
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS

EXAMPLE = ROOT / "examples" / "plugin"
QUICK = ("data.rows=60", "data.image_size=32", "threads=1", "tracking=none")
DRAWN_QUICKLY = ("renderer.size=112", "renderer.supersample=1", "metric.looks.count=1")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that holds the package as pip lays it out."""
    source, target = tmp_path_factory.mktemp("example") / "plugin", tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", str(target), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture
def importable(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package in this process, and in commands that it starts."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("PYTHONPATH", str(installed))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin_run")
    (folder / "cache").mkdir()
    return folder


@pytest.mark.usefixtures("importable")
def test_model_backbone_and_rig_of_a_package_work_from_training_to_picture(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    cache = place / "cache"
    given = ("model=low_rank", "rig=cartoon", "head.rank=4", "run_dir=first")
    succeed(cache, place, "train.py", *given, *QUICK, *DRAWN_QUICKLY)
    config = yaml.safe_load((place / "first" / "config.yaml").read_text())
    for group in ("backbone", "head", "rig"):
        assert config[group]["_target_"].startswith("emo3d_plugin_example."), group
    made_with = json.loads((place / "first" / "provenance.json").read_text())["versions"]
    assert made_with["emo3d_plugin_example"] and made_with["torch"]
    result = json.loads((place / "first" / "evaluation" / "test" / "metrics.json").read_text())
    assert result["provenance"]["system"] == "low_rank" and result["provenance"]["rig"]["name"] == "cartoon"
    assert 0 < result["metrics"]["mse"] < 0.1 and 0.5 <= result["metrics"]["emo3d"] < 1
    assert json.loads((place / "first" / "model.json").read_text())["backbone"].startswith("char_ngrams-")

    succeed(cache, place, "evaluate.py", "run_dir=first", "part=val", "metric=mse")
    assert (place / "first" / "evaluation" / "val" / "metrics.json").is_file()
    asked = ("emo3d_exp.predict", "run_dir=first", "text=a wide grin", "size=96")
    said = succeed(cache, place, *asked)
    assert "face.png" in said
    red, _, blue = np.asarray(Image.open(place / "face.png"))[48, 40].astype(int)
    assert red - blue > 60, "the cartoon's cheek is yellow, no other rig's is"

    monkeypatch.delenv("PYTHONPATH")
    without = run(cache, place, *asked)
    assert without.returncode == 2
    assert "low_rank" in without.stderr or "emo3d_plugin_example" in without.stderr
    assert "Traceback" not in without.stderr


@pytest.mark.usefixtures("importable")
def test_its_parts_keep_to_what_emo3d_exp_asks() -> None:
    import torch
    from emo3d_plugin_example.cartoon import build_cartoon
    from emo3d_plugin_example.char_ngrams import CharNGrams
    from emo3d_plugin_example.low_rank import LowRank, LowRankHead

    check_encoder(CharNGrams("a", 256, 3, 5), CharNGrams("a", 256, 2, 5))
    check_rig(build_cartoon())
    torch.manual_seed(0)
    model = LowRank(LowRankHead(8, rank=2, alpha=0.1))
    pairs = {"text": torch.randn(40, 8), "blendshapes": torch.rand(40, 52)}
    model.fit_closed_form(pairs, pairs)
    check_model(model, 8)
    assert torch.linalg.matrix_rank(model.head.weight, rtol=1e-4) == 2


@pytest.mark.usefixtures("importable")
def test_of_full_rank_its_model_is_ridge_regression() -> None:
    import torch
    from emo3d_plugin_example.low_rank import LowRankHead

    from emo3d_exp.heads import RidgeHead

    torch.manual_seed(0)
    text, faces = torch.randn(200, 60), torch.rand(200, 52)
    ours, theirs = RidgeHead(60, (0.5,)), LowRankHead(60, rank=52, alpha=0.5)
    for head in (ours, theirs):
        head.fit(text, faces, text, faces)
    torch.testing.assert_close(theirs.weight, ours.weight, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(theirs.bias, ours.bias, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("importable")
def test_its_backbone_knows_spelling_and_no_meaning() -> None:
    from emo3d_plugin_example.char_ngrams import CharNGrams

    smile, smiling, grin, nothing = CharNGrams("a", 1024, 3, 5).encode_texts(
        ["a smile", "Smiling!", "a grin", " "]
    )
    assert smile @ smiling > 0.2 > abs(smiling @ grin)
    assert np.linalg.norm(smile) == pytest.approx(1, abs=1e-5) and not nothing.any()


@pytest.mark.usefixtures("importable")
def test_its_rig_is_even_and_smiles() -> None:
    from emo3d_plugin_example.cartoon import build_cartoon

    rig = build_cartoon()
    left, right = (
        rig.deltas[[index for index, name in enumerate(MORPH_TARGETS) if name.endswith(side)]]
        for side in ("Left", "Right")
    )
    assert np.abs(left).sum() == pytest.approx(np.abs(right).sum(), rel=0.01)  # the eyes shine on one side
    smile = np.zeros((1, 52), np.float32)
    smile[0, [BLENDSHAPE_INDEX[f"mouthSmile{side}"] for side in ("Left", "Right")]] = 1
    rest, smiling = rig.neutral, rig.vertices(smile)[0]
    lips = np.abs(rest[:, 1] + 0.42) < 0.06
    corners = lips & (np.abs(rest[:, 0]) > 0.3) & (rest[:, 2] > 0)
    middle = lips & (np.abs(rest[:, 0]) < 0.05) & (rest[:, 2] > 0)
    assert (smiling - rest)[corners, 1].min() > 0.1 > 0 > (smiling - rest)[middle, 1].max() - 1e-6
    assert np.abs(smiling[corners, 0]).min() > np.abs(rest[corners, 0]).min()
