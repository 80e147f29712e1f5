"""The published settings on a table in the published layout, with small backbones of the real classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig
from published import row, write_archive, write_csv
from test_language_models import save_bert, save_xlmr
from tiny_clip_files import save_clip

from emo3d_exp import load_predictor
from emo3d_exp.app.checks import check_parts, check_weights
from emo3d_exp.app.cli import CONF
from emo3d_exp.app.train import train_in
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
EXPERIMENTS = {
    "bert_mlp": (save_bert, ["backbone.max_length=24"]),
    "glot500_mlp": (save_xlmr, ["backbone.max_length=24"]),
    "emotion_xlm": (save_xlmr, ["backbone.max_length=24"]),
    "clip_mlp": (lambda folder: save_clip(folder, dim=24), ["backbone.architecture=null"]),
    "vae_clip": (lambda folder: save_clip(folder, dim=24), ["backbone.architecture=null"]),
}
FACTS = {
    "bert_mlp": {"model": "lm_mlp", "backbone": "bert_base", "lr": 1e-4},
    "glot500_mlp": {"model": "lm_mlp", "backbone": "glot500", "lr": 1e-4},
    "emotion_xlm": {"model": "emotion_xlm", "backbone": "xlmr_base", "lr": 1e-4},
    "clip_mlp": {"model": "clip_mlp", "backbone": "clip_vit_b32", "lr": 1e-4},
    "vae_clip": {"model": "vae_clip", "backbone": "clip_vit_b32", "lr": 1e-3},
}
FOLDER = CONF / "experiment" / "paper"


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 samples with three texts and four faces each, and their pictures."""
    root = write_csv(
        tmp_path_factory.mktemp("table"), [row(i) for i in range(8)], [row(8), row(9)], [row(10)]
    )
    write_archive(root / "prompt1_images_0_1000.zip", list(range(11)))
    return root


def test_every_experiment_is_tried() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(EXPERIMENTS) == set(FACTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_all_have_in_common(name: str) -> None:
    cfg = composed(f"experiment=paper/{name}")
    found = {"model": cfg.model.name, "backbone": cfg.backbone.name, "lr": cfg.optimizer.lr}
    assert found == FACTS[name]
    assert cfg.data._target_.endswith("Emo3DData") and cfg.split._target_.endswith("PublishedSplit")
    assert (cfg.batch_size, cfg.trainer.max_epochs, cfg.patience) == (32, 50, None)
    assert cfg.augmentation.mirror == ("clip" in name)
    assert cfg.backbone.get("trainable", False) == ("clip" not in name)
    assert cfg.optimizer._target_ == "torch.optim.Adam" and not cfg.backbone.normalize
    assert "2410.02049" in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def test_the_heads_have_the_published_widths() -> None:
    clip, vae, xlm = (composed(f"experiment=paper/{n}") for n in ("clip_mlp", "vae_clip", "emotion_xlm"))
    assert (clip.head.hidden, clip.head.neutral, clip.head.dropout) == ([256, 128], False, 0)
    assert (vae.head.encoder_hidden, vae.head.decoder_hidden, vae.head.neutral) == ([256], [256], False)
    assert not vae.head.normalize_latent
    assert {key: vae.loss[key] for key in vae.loss if key != "_target_"} == {
        "lambda_text": 0.004, "lambda_image": 0.002, "beta": 0.0, "lambda_decoder": 0.0,
    }  # fmt: skip
    assert xlm.teacher_forcing.ratio == 0.5


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_trains_and_is_scored(name: str, table: Path, tmp_path: Path) -> None:
    save: Callable[[Path], None]
    save, overrides = EXPERIMENTS[name]
    (tmp_path / "backbone").mkdir()
    save(tmp_path / "backbone")
    key = "pretrained" if "clip" in name else "model"
    cfg = composed(
        f"experiment=paper/{name}", f"data.root={table}", f"backbone.{key}={tmp_path / 'backbone'}",
        f"run_dir={tmp_path / 'run'}", "trainer.max_epochs=2", "metric=mse", "tracking=none", "threads=1",
        *overrides,
    )  # fmt: skip
    check_weights(cfg)
    check_parts(cfg)
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    best = train_in(run, cfg)
    assert best is not None and 0 < best < 0.5
    scores = json.loads((run.evaluation("test") / "metrics.json").read_text(encoding="utf-8"))
    assert scores["provenance"]["system"] == cfg.model.name and scores["metrics"]["mse"] > 0
    faces = load_predictor(run.path)(["text 1 of sample 10", "the face smiles"])
    assert faces.shape == (2, 52) and ((faces >= 0) & (faces <= 1)).all()
    assert (faces[:, 0] == 0).all() == ("clip" in name), "_neutral is left out of the released baselines"
    assert not np.allclose(faces[0], faces[1], atol=0)
