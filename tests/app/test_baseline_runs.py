"""The simple systems go through the same doors as the large: run folder, predictor, scores, another place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig
from tiny_task import TinyData, config

from emo3d_exp import load_predictor
from emo3d_exp.app.checks import check_parts
from emo3d_exp.app.data import load_data
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
OVERRIDES = {
    "emotion_xlm": ["optimizer.lr=0.01", "teacher_forcing.ratio=0.25"],
    "lm_mlp": ["optimizer.lr=0.01"],
    "nearest": ["head.k=2"],
    "ridge": [],
}


@pytest.fixture(scope="module", params=OVERRIDES)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]
) -> tuple[RunFolder, float | None, DictConfig]:
    """A finished run with a backbone that sees texts alone."""
    folder = tmp_path_factory.mktemp("trained")
    backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "seen": "text"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(new_cache()))
        cfg = config(folder, f"model={request.param}", *OVERRIDES[request.param], backbone=backbone)
        run = RunFolder(cfg.run_dir)
        check_parts(cfg)
        run.create(cfg)
        return run, train_in(run, cfg), cfg


def test_the_run_is_complete_and_beats_the_mean_face(
    trained: tuple[RunFolder, float | None, DictConfig],
) -> None:
    run, best, cfg = trained
    scores = json.loads((run.evaluation("test") / "metrics.json").read_text(encoding="utf-8"))
    assert scores["metrics"]["mse"] < 0.5 * scores["references"]["mean_face"]["mse"]
    assert scores["provenance"]["system"] == cfg.model.name
    assert json.loads(run.model_file.read_text(encoding="utf-8"))["val/mse"] == best
    assert run.provenance()["backbone"] == "words-a"


def test_a_moved_run_answers_as_it_was_scored(
    trained: tuple[RunFolder, float | None, DictConfig], tmp_path: Path
) -> None:
    run, best, cfg = trained
    predict = load_predictor(shutil.copytree(run.path, tmp_path / "far" / "away"))
    corpus = load_data(cfg).corpus
    texts = [row for row, sample in enumerate(corpus.text_sample) if corpus.published_split[sample] == "val"]
    faces = predict([corpus.text[row] for row in texts])
    truth = corpus.blendshapes[corpus.text_sample[texts]]
    assert float(((faces - truth) ** 2).mean()) == pytest.approx(best, rel=1e-4)
    np.testing.assert_allclose(predict([corpus.text[texts[0]]])[0], faces[0], atol=1e-6)


def test_the_nearest_of_a_known_text_is_its_own_face(tmp_path: Path) -> None:
    cfg = config(tmp_path, "model=nearest", "evaluate=false")
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    train_in(run, cfg)
    corpus = TinyData(str(tmp_path / "pictures")).load()
    rows = [row for row in range(0, 20) if row != 3]  # sample 3 has no scores
    faces = load_predictor(run.path)([corpus.text[2 * row] for row in rows])
    np.testing.assert_allclose(faces, corpus.blendshapes[rows], atol=1e-5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=ridge", "optimizer=adam"], r"model=ridge has no optimizer"),
        (["model=nearest", "loss=blendshapes"], r"model=nearest has no loss"),
        (["model=lm_mlp", "~optimizer"], r"model=lm_mlp needs optimizer=…"),
        (["model=emotion_xlm", "head=mlp"], r"needs a head of class EmotionHead.*choose head=emotion"),
        (["model=ridge", "head=mlp"], r"needs a head of class RidgeHead, not MLPHead; choose head=ridge"),
    ],
)
def test_parts_that_a_model_does_not_have_are_told(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_parts(config(tmp_path, *overrides))
