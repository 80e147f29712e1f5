"""Augmentation in a whole training: the training part alone, the same again after a stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig, OmegaConf
from tiny_task import WordEncoder, config

from emo3d_exp.app import fitting
from emo3d_exp.app.checks import check_parts
from emo3d_exp.app.data import load_data
from emo3d_exp.app.train import train_in
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
EVERYTHING = (
    "augmentation.mirror=true", "augmentation.beginnings=1", "augmentation.word_dropout=0.3",
    "augmentation.text_noise=0.5", "augmentation.image_noise=0.5",
)  # fmt: skip


def train(cfg: DictConfig, resume_from: Path | None = None) -> tuple[RunFolder, float | None]:
    run = RunFolder(cfg.run_dir)
    if resume_from is None:
        check_parts(cfg)
        run.create(cfg)
    return run, train_in(run, cfg, resume_from)


def test_nothing_but_the_training_part_is_augmented(tmp_path: Path) -> None:
    plain, augmented = config(tmp_path), config(tmp_path, *EVERYTHING)
    encoder = WordEncoder()
    before, after = load_data(plain), load_data(augmented)
    assert before.corpus.fingerprint() == after.corpus.fingerprint()
    for part in ("val", "test"):
        one, other = (fitting.stage(before, part, encoder, cfg).whole() for cfg in (plain, augmented))
        assert {name: column.tolist() for name, column in one.items()} == {
            name: column.tolist() for name, column in other.items()
        }
        assert before.prompts(part).text == after.prompts(part).text
    np.testing.assert_array_equal(before.mean_face(), after.mean_face())
    assert before.prompts("train").text == after.prompts("train").text, "the bank's texts"
    few, many = (fitting.stage(before, "train", encoder, cfg).n_pairs for cfg in (plain, augmented))
    assert many == 2 * 3 * few, "no text has a second sentence"


def test_mirrored_pictures_are_embedded_beside_the_plain_ones(tmp_path: Path) -> None:
    log = tmp_path / "encoded.txt"
    log.touch()
    backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "log": str(log)}

    def encoded(name: str, *overrides: str) -> list[str]:
        cfg = config(tmp_path, "trainer.max_epochs=1", "evaluate=false", *overrides, backbone=backbone)
        cfg.run_dir = str(tmp_path / name)
        log.write_text("")
        train(cfg)
        return log.read_text().split()

    plain = encoded("plain").count("image")
    assert plain == 64
    assert encoded("mirrored", "augmentation=mirror") == ["image"] * plain
    assert encoded("again", "augmentation=mirror") == []


def test_the_run_says_what_was_done(tmp_path: Path) -> None:
    run, _ = train(config(tmp_path, "model=clip_mlp", "trainer.max_epochs=1", *EVERYTHING))
    assert run.config().augmentation.text_noise == 0.5
    assert run.provenance()["training_pairs"] == 6 * 2 * 79
    assert run.provenance()["data_hash"] == load_data(config(tmp_path)).corpus.fingerprint()


def test_a_stopped_run_goes_on_with_its_noise(tmp_path: Path) -> None:
    def prepared(name: str, epochs: int) -> DictConfig:
        overrides = ("model=clip_mlp", f"trainer.max_epochs={epochs}", "evaluate=false", *EVERYTHING)
        cfg = config(tmp_path, *overrides)
        cfg.run_dir = str(tmp_path / name)
        return cfg

    whole, best = train(prepared("whole", 4))
    run, _ = train(prepared("parts", 2))
    cfg = run.config()
    cfg.trainer.max_epochs = 4
    _, second = train(cfg, resume_from=run.last_checkpoint)
    assert second == best
    assert run.weights_file.read_bytes() == whole.weights_file.read_bytes()


def test_a_run_older_than_the_group_goes_on(tmp_path: Path) -> None:
    cfg = config(tmp_path, "trainer.max_epochs=1", "evaluate=false")
    OmegaConf.set_struct(cfg, False)
    del cfg["augmentation"]
    OmegaConf.set_struct(cfg, True)
    run, best = train(cfg)
    assert best is not None and run.provenance()["training_pairs"] == 2 * 79


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=face_clip", "augmentation=mirror"], r"model=face_clip .*model.text_noise"),
        (["model=ridge", "augmentation=noise"], r"model=ridge: it is solved at once"),
        (["model=ridge", "augmentation=beginnings"], r"augmentation.beginnings with model=ridge"),
        (["model=nearest", "augmentation.text_noise=0.1"], r"model=nearest: it is solved at once"),
        (["model=lm_mlp", "augmentation.image_noise=0.1"], r"model=lm_mlp: it sees no pictures"),
    ],
)
def test_what_a_model_cannot_use_is_told(overrides: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        check_parts(config(tmp_path, *overrides))


def test_noise_on_a_trained_backbone_is_refused(tmp_path: Path) -> None:
    backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "trainable": "all"}
    check_parts(config(tmp_path, "model=lm_mlp", "augmentation=mirror", backbone=backbone))
    with pytest.raises(ConfigError, match=r"model=lm_mlp: its backbone is trained"):
        check_parts(config(tmp_path, "model=lm_mlp", "augmentation=noise", backbone=backbone))


@pytest.mark.parametrize("system", ["ridge", "nearest"])
def test_what_is_solved_at_once_sees_what_is_added(system: str, tmp_path: Path) -> None:
    run, best = train(config(tmp_path, f"model={system}", "augmentation.word_dropout=0.2", "evaluate=false"))
    assert best is not None
    assert run.provenance()["training_pairs"] == 3 * 2 * 79
