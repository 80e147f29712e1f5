"""A run with a language model that is trained along, from config to scores, on a tiny BERT and XLM-R."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file
from tiny_language_models import save_bert, save_xlmr, saved
from tiny_task import config

from emo3d_exp import load_predictor
from emo3d_exp.app.assemble import embedding_cache
from emo3d_exp.app.checks import check_parts
from emo3d_exp.app.data import load_data
from emo3d_exp.app.train import train_in
from emo3d_exp.backbones import TransformersEncoder
from emo3d_exp.errors import ConfigError, Emo3DError, WeightsUnavailableError
from emo3d_exp.runs import RunFolder
from emo3d_exp.vocab import EMOTIONS

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
WORDS = [*EMOTIONS, "and", ".", *(f"{n}" for n in range(10)), *(f"{n}0" for n in range(10)), "00"]
CONF = Path(__file__).parents[2] / "conf"
CASES = {
    "bert-all": (save_bert, "lm_mlp", {}),
    "xlmr-lora": (save_xlmr, "emotion_xlm", {"lora_rank": 4}),
    "bert-last": (save_bert, "lm_mlp", {"last_layers": 1}),
}


def tuning_config(folder: Path, weights: Path, model: str, tuning: dict[str, Any], *more: str) -> DictConfig:
    backbone = OmegaConf.load(CONF / "backbone" / "hf.yaml")
    given = {"name": "tiny", "model": str(weights), "max_length": 48, "trainable": True, "device": "cpu"}
    backbone = OmegaConf.merge(backbone, given, {"tuning": {"lr": 0.01, **tuning}})
    overrides = [f"model={model}", "optimizer.lr=0.01", "trainer.max_epochs=6", "batch_size=16", *more]
    return config(folder, *overrides, backbone=OmegaConf.to_container(backbone))


@pytest.fixture(scope="module", params=CASES)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]
) -> tuple[RunFolder, float | None, DictConfig, dict[str, Any]]:
    """A finished run; tests that change it work on a copy."""
    save, model, tuning = CASES[request.param]
    folder = tmp_path_factory.mktemp("trained")
    weights = saved(folder / "weights", save, words=WORDS, positions=48)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(new_cache()))
        cfg = tuning_config(folder, weights, model, tuning)
        run = RunFolder(cfg.run_dir)
        check_parts(cfg)
        run.create(cfg)
        best = train_in(run, cfg)
        assert not list((folder / "cache").glob("embeddings/*")), "nothing of it may be kept"
    return run, best, cfg, tuning


Trained = tuple[RunFolder, float | None, DictConfig, dict[str, Any]]


def val_texts(cfg: DictConfig) -> tuple[list[str], np.ndarray]:
    """The texts of the validation part and their faces."""
    corpus = load_data(cfg).corpus
    rows = [row for row, sample in enumerate(corpus.text_sample) if corpus.published_split[sample] == "val"]
    return [corpus.text[row] for row in rows], corpus.blendshapes[corpus.text_sample[rows]]


def test_the_run_is_complete_and_names_where_it_started(trained: Trained) -> None:
    run, best, cfg, _ = trained
    scores = json.loads((run.evaluation("test") / "metrics.json").read_text(encoding="utf-8"))
    assert scores["metrics"]["mse"] < scores["references"]["mean_face"]["mse"]
    start = TransformersEncoder("tiny", cfg.backbone.model, "mean", False, 48).fingerprint
    described = json.loads(run.model_file.read_text(encoding="utf-8"))
    assert run.provenance()["backbone"] == described["backbone"] == start
    assert described["fine_tuned"] is True
    assert described["val/mse"] == best


def test_files_hold_what_was_trained_alone(trained: Trained) -> None:
    run, _, _, tuning = trained
    stored = {name.removeprefix("tower.") for name in load_file(run.weights_file) if "tower." in name}
    if "lora_rank" in tuning:
        assert len(stored) == 8 and all(".lora_" in name for name in stored)
    elif "last_layers" in tuning:
        assert len(stored) == 16 and all(".layer.1." in name for name in stored)
    else:
        assert any("word_embeddings" in name for name in stored)
    for file in run.checkpoints.iterdir():
        kept = torch.load(file, weights_only=True)["state_dict"]
        assert {name.removeprefix("tower.") for name in kept if "tower." in name} == stored


def test_a_moved_run_answers_as_it_was_validated_and_scored(trained: Trained, tmp_path: Path) -> None:
    from emo3d_exp.evaluation import load_predictions

    run, best, cfg, _ = trained
    cache = embedding_cache()
    predict = load_predictor(shutil.copytree(run.path, tmp_path / "far" / "away"), cache)
    texts, truth = val_texts(cfg)
    faces = predict(texts)
    assert float(((faces - truth) ** 2).mean()) == pytest.approx(best, rel=1e-4)
    np.testing.assert_allclose(predict(texts[:1])[0], faces[0], atol=1e-6)
    assert predict([]).shape == (0, 52)
    assert not list(cache.folder.glob("*")), "embeddings of a tuned model stay out of the shared cache"
    stored = load_predictions(run.evaluation("test") / "predictions.parquet")
    prompts = load_data(cfg).prompts("test")
    answers = dict(zip(prompts.text, predict(prompts.text), strict=True))
    key = {(i, n): t for i, n, t in zip(prompts.sample_id, prompts.text_number, prompts.text, strict=True)}
    for sample, number, face in zip(stored.sample_id, stored.text_number, stored.blendshapes, strict=True):
        np.testing.assert_allclose(answers[key[sample, number]], face, atol=1e-6)


def test_the_predictor_is_the_best_checkpoint_in_memory(trained: Trained) -> None:
    from emo3d_exp.app.assemble import build_encoder, build_model

    run, _, cfg, _ = trained
    encoder = build_encoder(cfg.backbone)
    model = build_model(cfg, encoder.dim, encoder.text_tower()).eval()
    model.load_state_dict(torch.load(run.checkpoints / "best.ckpt", weights_only=True)["state_dict"])
    texts, _ = val_texts(cfg)
    with torch.inference_mode():
        tokens = encoder.token_rows(texts).batch(np.arange(len(texts)))
        faces = model.from_text(model.embedded({"tokens": tokens})["text"]).numpy()
    np.testing.assert_allclose(load_predictor(run.path)(texts), faces, atol=1e-6)


def test_weights_that_are_gone_or_others_are_told(trained: Trained, tmp_path: Path) -> None:
    run, _, cfg, _ = trained
    copy = RunFolder(shutil.copytree(run.path, tmp_path / "copy"))
    text = copy.config_file.read_text(encoding="utf-8")
    copy.config_file.write_text(text.replace(cfg.backbone.model, "/gone"), encoding="utf-8")
    with pytest.raises(
        WeightsUnavailableError, match=r"copy holds what was trained .* alone.*there is no /gone"
    ):
        load_predictor(copy.path)
    other = saved(tmp_path / "other", seed=1, words=WORDS, positions=48)
    copy.config_file.write_text(text.replace(cfg.backbone.model, str(other)), encoding="utf-8")
    with pytest.raises(Emo3DError, match=r"trained on embeddings of tiny-.*backbone is now tiny-"):
        load_predictor(copy.path)


def test_other_settings_than_the_stored_tensors_are_told(trained: Trained, tmp_path: Path) -> None:
    run, _, _, tuning = trained
    copy = RunFolder(shutil.copytree(run.path, tmp_path / "copy"))
    cfg = copy.config()
    cfg.backbone.tuning.lora_rank = None
    cfg.backbone.tuning.last_layers = None if tuning else 1
    OmegaConf.save(cfg, copy.config_file)
    with pytest.raises(Emo3DError, match=r"weights\.safetensors does not hold the weights of this model"):
        load_predictor(copy.path)


@pytest.mark.parametrize("model", ["vae_clip", "clip_mlp", "ridge", "nearest"])
def test_models_that_cannot_train_it_refuse(model: str, tmp_path: Path) -> None:
    cfg = tuning_config(tmp_path, Path("/anywhere"), model, {}) if model not in ("ridge", "nearest") else None
    if cfg is None:
        cfg = config(tmp_path, f"model={model}", backbone={"_target_": "x", "trainable": True})
    with pytest.raises(ConfigError, match=f"model={model} cannot train its .*emotion_xlm, model=lm_mlp"):
        check_parts(cfg)


def test_how_to_train_a_frozen_backbone_is_refused(tmp_path: Path) -> None:
    cfg = tuning_config(tmp_path, Path("/anywhere"), "lm_mlp", {"warmup": 0.2})
    cfg.backbone.trainable = False
    with pytest.raises(ConfigError, match=r"tuning\.lr, backbone\.tuning\.warmup: .*add backbone\.trainable"):
        check_parts(cfg)
