"""Several faces for a text, from a run folder to figures and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_task import config

from emo3d_exp import load_predictor
from emo3d_exp.app.data import load_data
from emo3d_exp.app.sampling import faces_of_like_emotions, score_samples, summary
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.metrics import best_of, diversity, energy_score
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
TEXTS = ["anger 0.8 and fear 0.1", "happiness 0.9 and surprise 0.3"]


def trained(tmp_path: Path, model: str) -> RunFolder:
    cfg = config(tmp_path, f"model={model}", "trainer.max_epochs=3", "evaluate=false")
    cfg.run_dir = str(tmp_path / model)
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    train_in(run, cfg)
    return run


def test_samples_of_a_run(tmp_path: Path) -> None:
    run = trained(tmp_path, "cvae_ensemble")
    predict = load_predictor(run.path)
    faces = predict.samples(TEXTS, 5)
    assert faces.shape == (5, 2, 52) and faces.dtype == np.float32
    assert ((faces >= 0) & (faces <= 1)).all()
    assert diversity(faces).min() > 0
    np.testing.assert_array_equal(faces, load_predictor(run.path).samples(TEXTS, 5))
    np.testing.assert_allclose(predict.samples(TEXTS[1:], 5)[:, 0], faces[:, 1], atol=1e-6)
    assert not np.allclose(predict.samples(TEXTS, 5, seed=1), faces)
    with pytest.raises(ConfigError, match=r"samples=1 must be at least 2"):
        predict.samples(TEXTS, 1)
    with pytest.raises(TypeError, match="expected a list of texts"):
        predict.samples(TEXTS[0])

    cfg = run.config()
    told = json.loads(score_samples(run, cfg, "test", 4).read_text(encoding="utf-8"))
    prompts = load_data(cfg).prompts("test")
    drawn = predict.samples(prompts.text, 4)
    assert told["count"] == 4 and told["part"] == "test"
    assert told["samples"]["diversity"] == pytest.approx(diversity(drawn).mean(), rel=1e-5)
    assert told["samples"]["best_of_mse"] == pytest.approx(
        best_of(drawn, prompts.blendshapes).mean(), rel=1e-5
    )
    answer = predict(prompts.text)
    assert told["answer"]["diversity"] == 0.0
    assert told["answer"]["mse"] == pytest.approx(np.square(answer - prompts.blendshapes).mean(), rel=1e-5)
    assert told["answer"]["energy_score"] == pytest.approx(
        np.linalg.norm(answer - prompts.blendshapes, axis=1).mean(), rel=1e-5
    )


def test_a_model_with_one_face_says_which_gives_several(tmp_path: Path) -> None:
    run = trained(tmp_path, "ridge")
    with pytest.raises(ConfigError, match=r"model=ridge gives one face.*model=cvae_ensemble"):
        load_predictor(run.path).samples(TEXTS, 4)


def test_summary_is_made_of_means() -> None:
    rng = np.random.default_rng(0)
    samples, target = rng.random((3, 5, 52)), rng.random((5, 52))
    figures = summary(samples, target)
    assert figures == pytest.approx(
        {
            "diversity": diversity(samples).mean(),
            "energy_score": energy_score(samples, target).mean(),
            "best_of_mse": best_of(samples, target).mean(),
            "mse": np.mean(
                [[np.mean((face - t) ** 2) for face, t in zip(s, target, strict=True)] for s in samples]
            ),
        }
    )


def test_faces_of_like_emotions_are_the_nearest_training_faces(tmp_path: Path) -> None:
    data = load_data(config(tmp_path))
    prompts = data.prompts("test")
    found = faces_of_like_emotions(data, prompts, 3)
    train = data.corpus.select(data.rows("train"))
    for row in range(len(prompts)):
        distances = []
        for face, sample in enumerate(train.face_sample):
            if train.has_blendshapes[face]:
                gap = train.emotions[sample].astype(float) - prompts.emotions[row].astype(float)
                distances.append((float(gap @ gap), face))
        nearest = sorted(distances)[:3]
        given = sorted(
            min(d for d, face in distances if np.array_equal(train.blendshapes[face], one))
            for one in found[:, row]
        )
        np.testing.assert_allclose(given, [d for d, _ in nearest], atol=1e-9)
