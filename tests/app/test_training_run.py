"""A whole training, from config to scores, on a tiny data set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from safetensors.numpy import load_file
from tiny_task import DIM, RecordingTracker, TinyData, WordEncoder, config

from emo3d_exp import load_predictor
from emo3d_exp.app.data import load_data
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError, DataError, Emo3DError
from emo3d_exp.runs import RunFolder
from emo3d_exp.vocab import VOCABULARY_HASH

pytestmark = pytest.mark.usefixtures("cache", "one_thread")


def train(cfg: DictConfig, resume_from: Path | None = None) -> tuple[RunFolder, float | None]:
    run = RunFolder(cfg.run_dir)
    if resume_from is None:
        run.create(cfg)
    return run, train_in(run, cfg, resume_from)


@pytest.fixture(scope="module", params=["vae_clip", "clip_mlp"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]
) -> tuple[Path, float | None, DictConfig]:
    """A finished run; tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(new_cache()))
        cfg = config(folder, f"model={request.param}", "optimizer.lr=0.01")
        run, best = train(cfg)
    return run.path, best, cfg


@pytest.fixture
def copy(trained: tuple[Path, float | None, DictConfig], tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(trained[0], tmp_path / "copy"))


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def test_run_folder_is_complete(trained: tuple[Path, float | None, DictConfig]) -> None:
    run, (_, best, cfg) = RunFolder(trained[0]), trained
    files = {p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()}
    assert files >= {
        "config.yaml", "provenance.json", "weights.safetensors", "model.json",
        "checkpoints/best.ckpt", "checkpoints/last.ckpt",
        "evaluation/test/metrics.json", "evaluation/test/predictions.parquet",
    }  # fmt: skip
    assert not [name for name in files if "partial" in name]
    model = read(run.model_file)
    assert best is not None
    assert model == {
        "schema": 1,
        "model": cfg.model.name,
        "embedding_dim": DIM,
        "backbone": "words-a",
        "vocabulary": VOCABULARY_HASH,
        "parameters": sum(values.size for values in load_file(run.weights_file).values()),
        "epoch": model["epoch"],
        "train_seconds": model["train_seconds"],
        "val/mse": best,
    }
    assert 0 <= model["epoch"] < 12
    assert 0 < model["train_seconds"] < 600


def test_provenance_names_data_split_and_backbone(trained: tuple[Path, float | None, DictConfig]) -> None:
    facts = RunFolder(trained[0]).provenance()
    data = load_data(trained[2])
    assert facts["data"] == "tiny"
    assert facts["data_hash"] == data.corpus.fingerprint()
    assert facts["split_hash"] == data.splits.hash
    assert facts["backbone"] == "words-a"
    assert facts["versions"]["torch"] == torch.__version__.split("+")[0] or facts["versions"]["torch"]


def test_system_beats_the_mean_face_on_test(trained: tuple[Path, float | None, DictConfig]) -> None:
    scores = read(trained[0] / "evaluation" / "test" / "metrics.json")
    assert scores["metrics"]["mse"] < 0.5 * scores["references"]["mean_face"]["mse"]
    assert scores["provenance"]["split"] == "test"
    assert scores["provenance"]["system"] == trained[2].model.name


def test_kept_weights_have_the_recorded_validation_error(
    trained: tuple[Path, float | None, DictConfig],
) -> None:
    """Over every pair of a validation text and its sample's face, from the run folder alone."""
    corpus = load_data(trained[2]).corpus
    texts = [i for i, s in enumerate(corpus.text_sample) if corpus.published_split[s] == "val"]
    faces = load_predictor(trained[0])([corpus.text[i] for i in texts])
    truth = corpus.blendshapes[corpus.text_sample[texts]]
    assert float(((faces - truth) ** 2).mean()) == pytest.approx(trained[1], rel=1e-4)


def test_predictor_answers_as_the_test_predictions(trained: tuple[Path, float | None, DictConfig]) -> None:
    from emo3d_exp.evaluation import load_predictions

    stored = load_predictions(trained[0] / "evaluation" / "test" / "predictions.parquet")
    prompts = load_data(trained[2]).prompts("test")
    assert len(prompts) == 40
    faces = load_predictor(trained[0])(prompts.text)
    by_key = {
        (i, n): face
        for i, n, face in zip(stored.sample_id, stored.text_number, stored.blendshapes, strict=True)
    }
    expected = np.stack([by_key[key] for key in zip(prompts.sample_id, prompts.text_number, strict=True)])
    np.testing.assert_allclose(faces, expected, atol=1e-6)


def test_predictor_takes_lists_of_texts(trained: tuple[Path, float | None, DictConfig]) -> None:
    predict = load_predictor(trained[0])
    texts = ["anger 0.90", "happiness 0.90 and surprise 0.30", "anger 0.90"]
    faces = predict(texts)
    assert faces.shape == (3, 52)
    assert faces.dtype == np.float32
    assert ((faces >= 0) & (faces <= 1)).all()
    np.testing.assert_allclose(faces[0], faces[2], atol=1e-6)
    np.testing.assert_array_equal(faces, predict(tuple(texts)))
    np.testing.assert_allclose(predict(texts[1:2])[0], faces[1], atol=1e-6)
    assert np.abs(faces[0] - faces[1]).max() > 0.1
    assert predict([]).shape == (0, 52)


def test_predictor_refuses_a_lone_string(trained: tuple[Path, float | None, DictConfig]) -> None:
    with pytest.raises(TypeError, match=r"predict\(\['a smile'\]\)"):
        load_predictor(trained[0])("a smile")


def test_a_moved_run_answers_the_same(copy: RunFolder, tmp_path: Path) -> None:
    texts = ["anger 0.90", "fear 0.50 and sadness 0.50"]
    before = load_predictor(copy.path)(texts)
    moved = shutil.move(copy.path, tmp_path / "far" / "away")
    np.testing.assert_array_equal(load_predictor(moved)(texts), before)
    np.testing.assert_array_equal(load_predictor(str(moved))(texts), before)


def test_other_backbone_weights_are_refused(copy: RunFolder) -> None:
    text = copy.config_file.read_text(encoding="utf-8")
    copy.config_file.write_text(
        text.replace("name: words\n", "name: words\n  salt: b\n", 1), encoding="utf-8"
    )
    with pytest.raises(Emo3DError, match=r"words-a.*words-b"):
        load_predictor(copy.path)


def test_unfinished_and_missing_runs_are_told(copy: RunFolder, tmp_path: Path) -> None:
    copy.weights_file.unlink()
    with pytest.raises(Emo3DError, match=r"has not finished.*resume=true"):
        load_predictor(copy.path)
    with pytest.raises(ConfigError, match="no run folder"):
        load_predictor(tmp_path / "nothing")


def test_weights_that_do_not_fit_the_config_are_told(copy: RunFolder) -> None:
    text = copy.config_file.read_text(encoding="utf-8")
    copy.config_file.write_text(text.replace("- 256", "- 255"), encoding="utf-8")
    with pytest.raises(Emo3DError, match=r"weights\.safetensors does not hold"):
        load_predictor(copy.path)


def test_changed_data_are_not_scored(copy: RunFolder) -> None:
    from emo3d_exp.app.scoring import score_run

    cfg = copy.config()
    cfg.data = {"_target_": "tiny_task.TinyData", "folder": cfg.data.folder, "seed": 1}
    with pytest.raises(DataError, match=r"trained with data_hash"):
        score_run(copy, cfg, "test")


def test_another_part_may_be_scored(copy: RunFolder) -> None:
    from emo3d_exp.app.scoring import score_run

    evaluation, _ = score_run(copy, copy.config(), "val")
    assert len(evaluation.prompts) == 40
    stored = read(copy.evaluation("val") / "metrics.json")
    assert stored["metrics"]["mse"] == pytest.approx(read(copy.model_file)["val/mse"], rel=1e-3)


def test_same_seed_same_weights(trained: tuple[Path, float | None, DictConfig], tmp_path: Path) -> None:
    cfg = trained[2].copy()
    cfg.run_dir, cfg.evaluate = str(tmp_path / "again"), False
    again, best = train(cfg)
    assert best == trained[1]
    assert again.weights_file.read_bytes() == RunFolder(trained[0]).weights_file.read_bytes()
    assert not again.evaluation("test").exists()
    cfg.run_dir, cfg.seed = str(tmp_path / "other"), 0
    other, other_best = train(cfg)
    assert other_best != best
    assert other.weights_file.read_bytes() != again.weights_file.read_bytes()


@pytest.mark.parametrize("system", ["clip_mlp", "vae_clip", "emotion_xlm"])
def test_a_stopped_run_goes_on(tmp_path: Path, system: str) -> None:
    """The latent's noise, dropout and teacher forcing too are what they would have been."""

    def prepared(name: str, epochs: int) -> DictConfig:
        cfg = config(tmp_path, f"model={system}", f"trainer.max_epochs={epochs}", "evaluate=false")
        if system != "vae_clip":
            cfg.head.dropout = 0.2
        cfg.run_dir = str(tmp_path / name)
        return cfg

    whole, best = train(prepared("whole", 6))
    run, first = train(prepared("parts", 2))
    cfg = run.config()
    cfg.trainer.max_epochs = 6
    _, second = train(cfg, resume_from=run.last_checkpoint)
    assert second == best < first
    assert run.weights_file.read_bytes() == whole.weights_file.read_bytes()


def test_embeddings_are_computed_once(tmp_path: Path) -> None:
    log = tmp_path / "encoded.txt"
    backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "log": str(log)}

    def run(name: str, model: str) -> list[str]:
        cfg = config(tmp_path, f"model={model}", "trainer.max_epochs=1", backbone=backbone)
        cfg.run_dir = str(tmp_path / name)
        log.write_text("")
        train(cfg)
        return log.read_text().split()

    corpus = TinyData(str(tmp_path / "pictures")).load()
    pictures = sum(ref is not None for ref in corpus.image[:80])
    first = run("first", "vae_clip")
    assert first.count("text") == len(set(corpus.text))
    assert first.count("image") == pictures, "only those of the training part are needed"
    assert run("second", "clip_mlp") == []


def test_a_backbone_without_pictures_is_refused_before_any_work(tmp_path: Path) -> None:
    backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "seen": "text"}
    with pytest.raises(ConfigError, match=r"model=vae_clip needs .*image.*words has no image"):
        train(config(tmp_path, backbone=backbone))
    assert not (tmp_path / "pictures").exists()


def test_weights_out_of_reach_stop_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emo3d_exp.errors import WeightsUnavailableError

    def check(self: WordEncoder) -> None:
        raise WeightsUnavailableError("not here")

    monkeypatch.setattr(WordEncoder, "check", check)
    with pytest.raises(WeightsUnavailableError, match="not here"):
        train(config(tmp_path))
    assert not (tmp_path / "pictures").exists()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    made: list[tuple[str, Any]] = []
    monkeypatch.setattr(RecordingTracker, "calls", made)
    return made


TRACKING = {"_target_": "tiny_task.RecordingTracker"}


def test_tracker_gets_config_final_numbers_and_the_end(calls: list[tuple[str, Any]], tmp_path: Path) -> None:
    run, _ = train(config(tmp_path, "trainer.max_epochs=1", "name=mine", tracking=TRACKING))
    assert [name for name, _ in calls] == ["start", "summary", "summary", "finish"]
    started, best, summary, code = (content for _, content in calls)
    assert best == dict.fromkeys(("best_validation_error", "val/mse"), read(run.model_file)["val/mse"])
    assert (started["name"], started["job_type"], started["resume_id"]) == ("mine", "train", None)
    assert started["config"]["loss"]["lambda_text"] == 1.0
    assert summary["test/mse"] == read(run.evaluation("test") / "metrics.json")["metrics"]["mse"]
    assert summary["test/mse_low"] <= summary["test/mse"] <= summary["test/mse_high"]
    assert code == 0
    assert read(run.tracking_file) == {"run_id": "page-1"}


def test_tracker_goes_on_with_the_same_page_and_hears_of_failure(
    calls: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = train(config(tmp_path, "trainer.max_epochs=1", "evaluate=false", tracking=TRACKING))
    calls.clear()

    def fail(self: TinyData) -> None:
        raise DataError("the disk is gone")

    monkeypatch.setattr(TinyData, "load", fail)
    with pytest.raises(DataError, match="the disk is gone"):
        train(run.config(), resume_from=run.last_checkpoint)
    assert calls[0][1]["resume_id"] == "page-1"
    assert calls[-1] == ("finish", 1)


def test_a_part_without_scored_faces_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TinyData.load

    def without(self: TinyData) -> Any:
        corpus = whole(self)
        corpus.blendshapes[80:100] = np.nan
        return corpus

    monkeypatch.setattr(TinyData, "load", without)
    with pytest.raises(Emo3DError, match="val part of data=tiny"):
        train(config(tmp_path))


def test_predictions_of_any_system_are_scored(tmp_path: Path) -> None:
    from emo3d_exp.app.evaluate import evaluate_file
    from emo3d_exp.evaluation import save_predictions
    from emo3d_exp.records import Predictions

    cfg = config(tmp_path)
    prompts = load_data(cfg).prompts("test")
    perfect = Predictions(prompts.sample_id, prompts.text_number, prompts.blendshapes)
    save_predictions(tmp_path / "mine.csv", perfect)
    settings = DictConfig(
        {**cfg, "predictions": str(tmp_path / "mine.csv"), "part": "test", "out": None, "run_dir": None}
    )
    evaluate_file(settings)
    scores = read(tmp_path / "mine_evaluation" / "metrics.json")
    assert scores["metrics"]["mse"] == pytest.approx(0, abs=1e-10)
    assert scores["provenance"]["system"] == "mine"


def test_the_mean_face_is_that_of_the_training_part(tmp_path: Path) -> None:
    data = load_data(config(tmp_path))
    faces = [face for face in data.corpus.blendshapes[:80] if np.isfinite(face).all()]
    assert len(faces) == 79
    np.testing.assert_allclose(data.mean_face(), np.mean(faces, axis=0), rtol=1e-5)
