"""The training of the judge from config to export, with a stand-in for its image tower."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from safetensors.torch import load_file
from tiny_models import TinyClip
from tiny_task import DIM, TinyData, WordEncoder, config

from emo3d_exp.app import face_clip, preemption
from emo3d_exp.app.data import load_data
from emo3d_exp.app.face_clip import FacePairs, face_pairs
from emo3d_exp.app.face_clip_people import other_people
from emo3d_exp.app.stopping import Stopped
from emo3d_exp.app.train import train_in
from emo3d_exp.backbones import resize_faces
from emo3d_exp.data import load_mini, mini_people
from emo3d_exp.dataset_builder import ensure_mini
from emo3d_exp.errors import DataError
from emo3d_exp.faces import Renderer, load_rig, random_look
from emo3d_exp.runs import RunFolder
from emo3d_exp.vocab import EMOTIONS

pytestmark = pytest.mark.usefixtures("cache", "one_thread")


@pytest.fixture(autouse=True)
def tiny_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was exported is read back into the stand-in."""

    def read_back(pretrained: Path) -> TinyClip:
        clip = TinyClip(DIM)
        clip.load_state_dict({name: tensor.float() for name, tensor in load_file(pretrained).items()})
        return clip

    monkeypatch.setattr(face_clip, "build_face_clip", read_back)


@pytest.fixture
def cfg(tmp_path: Path) -> DictConfig:
    head = {"_target_": "tiny_models.TinyClip"}
    return config(
        tmp_path,
        "experiment=face_clip",
        "trainer.max_epochs=4",
        "patience=null",
        "model.warmup_steps=2",
        "model.people=0",
        head=head,
    )


def columns(count: int) -> tuple[np.ndarray, ...]:
    rows = np.arange(count)
    pixels = np.broadcast_to(rows[:, None, None, None], (count, 4, 4, 3)).astype(np.uint8)
    texts, faces = (rows[:, None].repeat(n, axis=1).astype(np.float32) for n in (3, 52))
    return pixels, texts, np.eye(8, dtype=np.float32)[rows % 8], faces


def test_batches_hold_every_pair_once_and_keep_it_together() -> None:
    batches = FacePairs(*columns(50), batch_size=16, seed=4)
    orders = []
    for _ in range(2):
        seen = list(batches)
        assert [len(batch["text"]) for batch in seen] == [16, 16, 16, 2]
        assert len(batches) == 4
        texts = torch.cat([batch["text"] for batch in seen])[:, 0].long()
        assert torch.equal(torch.cat([b["pixels"] for b in seen])[:, 0, 0, 0].long(), texts)
        assert torch.equal(torch.cat([b["emotions"] for b in seen]).argmax(dim=1), texts % 8)
        assert torch.equal(torch.cat([b["blendshapes"] for b in seen])[:, 7].long(), texts)
        assert sorted(texts.tolist()) == list(range(50))
        orders.append(texts.tolist())
    assert orders[0] != orders[1], "a new order each epoch"
    batches.set_epoch(0)
    assert torch.cat([batch["text"] for batch in batches])[:, 0].long().tolist() == orders[0]


def test_every_epoch_takes_one_of_the_people_who_wear_a_face() -> None:
    own, *rest = columns(40)
    others = np.stack([own + 100, own + 200], axis=1).astype(np.uint8)
    batches = FacePairs(own, *rest, batch_size=16, seed=1, others=others)
    seen = set()
    for _ in range(6):
        for batch in batches:
            person, row = np.divmod(batch["pixels"][:, 0, 0, 0].numpy(), 100)
            np.testing.assert_array_equal(row, batch["text"][:, 0].numpy())
            seen |= set(person.tolist())
    assert seen == {0, 1, 2}
    np.testing.assert_array_equal(batches.columns["pixels"].numpy(), own)


def test_other_people_wear_the_same_face_on_another_head() -> None:
    corpus = load_mini(ensure_mini(rows=6, seed=3))
    pictures = other_people(corpus, np.array([1, 4]), 2, seed=5)
    assert pictures.shape == (2, 2, 112, 112, 3) and pictures.dtype == np.uint8
    ages, genders = mini_people(corpus)
    assert len(ages) == len(genders) == len(corpus.image)
    rng = np.random.default_rng([5, int(corpus.sample_id[4])])
    look = [random_look(rng, ages[4], genders[4]) for _ in range(2)][1]
    drawn = Renderer(load_rig(), detail="light").render(corpus.blendshapes[4], look)
    np.testing.assert_array_equal(pictures[1, 1], resize_faces(drawn)[0])


def test_people_are_known_for_mini_alone(cfg: DictConfig) -> None:
    with pytest.raises(DataError, match="data=mini does"):
        other_people(load_data(cfg).corpus, np.array([0]), 1, seed=0)


def test_held_out_pairs_keep_their_order() -> None:
    batches = FacePairs(*columns(20), batch_size=8, seed=None)
    for _ in range(2):
        assert torch.cat([batch["text"] for batch in batches])[:, 0].tolist() == list(range(20))


def test_every_picture_goes_with_a_text_of_its_sample(cfg: DictConfig) -> None:
    data, encoder = load_data(cfg), WordEncoder()
    pairs = face_pairs(data, "test", encoder, cfg)
    corpus = data.corpus.select(data.rows("test"))
    scored = corpus.has_blendshapes
    pictured = [row for row, ref in enumerate(corpus.image) if ref is not None and scored[row]]
    assert pairs.columns["pixels"].shape == (len(pictured), 112, 112, 3)
    own = [corpus.text[corpus.text_sample.tolist().index(row)] for row in pictured]
    np.testing.assert_allclose(pairs.columns["text"].numpy(), encoder.encode_texts(own))
    np.testing.assert_array_equal(pairs.columns["emotions"].numpy(), corpus.emotions[pictured])


def test_run_leaves_weights_an_export_and_held_out_figures(cfg: DictConfig) -> None:
    from safetensors import safe_open

    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    best = train_in(run, cfg)
    described = json.loads(run.model_file.read_text())
    assert described["val/loss"] == best
    assert (described["model"], described["embedding_dim"]) == ("face_clip", DIM)
    assert not run.evaluation("test").exists(), "it answers no text with a face"
    stored = json.loads((run.path / "face_clip.json").read_text())
    assert stored["recipe"]["seed"] == cfg.seed == 1
    assert stored["recipe"]["data_hash"] == load_data(cfg).corpus.fingerprint()
    held_out = stored["held_out"]
    assert held_out["pairs"] == 16, "20 test samples, every fifth without a picture"
    assert held_out["pairs_by_emotion"].keys() == set(EMOTIONS)
    assert sum(held_out["pairs_by_emotion"].values()) == 16
    with safe_open(run.path / "face_clip.safetensors", framework="pt") as file:
        assert set(file.keys()) >= {"logit_scale", "text.proj.weight"}
        kept = torch.load(run.checkpoints / "best.ckpt", weights_only=True)["state_dict"]
        torch.testing.assert_close(file.get_tensor("text.proj.weight"), kept["clip.text.proj.weight"].half())


def test_a_warned_training_is_no_finished_one(
    cfg: DictConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left_alone() -> float:
        run = RunFolder(tmp_path / "alone")
        run.create(cfg)
        return train_in(run, cfg)

    expected, run = left_alone(), RunFolder(cfg.run_dir)
    run.create(cfg)
    monkeypatch.setattr(preemption.warned, "yes", True)
    with pytest.raises(Stopped):
        train_in(run, cfg)
    assert run.last_checkpoint.is_file() and not run.weights_file.exists()
    assert not (run.path / "face_clip.safetensors").exists()
    monkeypatch.setattr(preemption.warned, "yes", False)
    assert train_in(run, cfg, run.last_checkpoint) == pytest.approx(expected, abs=1e-6)
    assert (run.path / "face_clip.safetensors").is_file()


def test_the_export_may_go_elsewhere(cfg: DictConfig, tmp_path: Path) -> None:
    cfg.model.export_to, cfg.trainer.max_epochs = str(tmp_path / "shipped"), 1
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    train_in(run, cfg)
    assert sorted(p.name for p in (tmp_path / "shipped").iterdir()) == [
        "face_clip.json",
        "face_clip.safetensors",
    ]
    assert not (run.path / "face_clip.safetensors").exists()


def test_text_backbone_is_enough(cfg: DictConfig) -> None:
    assert TinyData(cfg.data.folder).load().has_blendshapes.sum() == 119
    cfg.backbone = {"_target_": "tiny_task.WordEncoder", "name": "words", "seen": "text"}
    cfg.trainer.max_epochs = 1
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    assert np.isfinite(train_in(run, cfg))
