"""Small models, and embeddings whose texts really say what the face looks like."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers.logger import DummyLogger
from torch import nn

from emo3d_exp.app.fit import build_trainer
from emo3d_exp.data import TensorBatches
from emo3d_exp.heads import CVAEEnsembleHead, EmotionHead, MLPHead, NearestHead, RidgeHead, VAEHead
from emo3d_exp.losses import BlendshapeLoss, ContrastiveLoss, CVAELoss, EmotionXLMLoss, VAECLIPLoss
from emo3d_exp.models import FixedRatio, model_class
from emo3d_exp.runs import RunFolder

DIM = 16
TEXT_DIM, CLIP_DIM, SIDE = 6, 8, 16
"""Of :class:`TinyClip`: width of text embeddings and of its output, pixels per side."""

CLOSED_FORM = ("nearest", "ridge")
"""Models without gradient steps."""

Arrays = dict[str, np.ndarray]


class TinyClip(nn.Module):
    """The three parts of an open_clip model that FaceCLIP's training touches."""

    def __init__(self, in_features: int = TEXT_DIM) -> None:
        super().__init__()
        self.visual = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 128), nn.ReLU(), nn.Linear(128, CLIP_DIM)
        )
        self.text = nn.Module()
        self.text.proj = nn.Linear(in_features, CLIP_DIM)
        self.logit_scale = nn.Parameter(torch.tensor(2.6))


def pairs(count: int, seed: int = 0, noise: float = 0.05) -> Arrays:
    """Texts, pictures and faces that all show the same four hidden numbers.

    Returns:
        ``text``, ``image`` (N, DIM) of length 1, ``blendshapes`` (N, 52) in (0, 1), ``emotions`` (N, 8).
    """
    fixed = np.random.default_rng(99)
    to_text, to_image, to_face = (fixed.normal(size=(4, width)) for width in (DIM, DIM, 52))
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(count, 4))

    def embed(weights: np.ndarray) -> np.ndarray:
        rows = hidden @ weights + noise * rng.normal(size=(count, DIM))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    direction = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    faces = 1 / (1 + np.exp(1 - 2 * direction @ to_face))
    emotions = np.eye(8, dtype=np.float32)[np.abs(direction).argmax(axis=1)]
    return {
        "text": embed(to_text),
        "image": embed(to_image),
        "blendshapes": faces.astype(np.float32),
        "emotions": emotions,
    }


def batches(arrays: Arrays, batch_size: int = 64, seed: int | None = None) -> TensorBatches:
    """One text and one face a sample; shuffled where a seed is given."""
    rows = np.arange(len(arrays["text"]))
    return TensorBatches(
        **arrays,
        pairs=np.stack([rows, rows], axis=1),
        batch_size=batch_size,
        shuffle=seed is not None,
        seed=seed or 0,
    )


def shuffled_pairing(arrays: Arrays, seed: int = 5) -> Arrays:
    """The same faces with the texts and pictures of others."""
    order = np.random.default_rng(seed).permutation(len(arrays["text"]))
    return {**arrays, "text": arrays["text"][order], "image": arrays["image"][order]}


def make(name: str, lr: float = 1e-2, **settings: Any) -> LightningModule:
    """A small model of the registry, as a config would build it. Settings are the loss's."""
    optimizer = partial(torch.optim.Adam, lr=lr)
    if name == "vae_clip":
        loss = VAECLIPLoss(**{"lambda_text": 0.5, "lambda_image": 0.1, **settings})
        return model_class(name)(VAEHead(DIM, (32,), (32,)), loss, optimizer)
    if name in ("clip_mlp", "lm_mlp"):
        return model_class(name)(MLPHead(DIM, (32,)), BlendshapeLoss(), optimizer)
    if name == "emotion_xlm":
        loss = EmotionXLMLoss(**{"lambda_blendshapes": 1.0, "lambda_emotions": 1.0, **settings})
        return model_class(name)(EmotionHead(DIM, (32,)), loss, optimizer, FixedRatio(0.5))
    if name == "cvae_ensemble":
        loss = CVAELoss(**{"lambda_reconstruction": 1.0, "lambda_emotions": 1.0, "beta": 1e-4, **settings})
        head = CVAEEnsembleHead(DIM, 2, (32,), (32,), latent=4, dropout=0.0)
        return model_class(name)(head, loss, optimizer, text_noise=0.1)
    if name in CLOSED_FORM:
        head = RidgeHead(DIM, (0.1,)) if name == "ridge" else NearestHead(DIM, k=3)
        return fitted(model_class(name)(head), pairs(int(torch.randint(40, 60, ()))))
    if name == "face_clip":
        loss = ContrastiveLoss(**{"like_share": 0.0, "lambda_image": 0.1, "lambda_text": 0.1, **settings})
        return model_class(name)(
            TinyClip(), loss, optimizer, text_noise=0.0, text_dropout=0.0, warmup_steps=5
        )
    raise KeyError(f"no small model for {name!r}: add one here")


def fitted(model: LightningModule, arrays: Arrays) -> LightningModule:
    """A model of ``CLOSED_FORM`` that knows the pairs."""
    model.fit_closed_form(batches(arrays).whole(), batches(arrays).whole())
    return model


def trainer_config(epochs: int, patience: int | None = None) -> DictConfig:
    trainer = {
        "_target_": "pytorch_lightning.Trainer",
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": epochs,
    }
    return OmegaConf.create({"trainer": trainer, "patience": patience, "seed": 1})


def fit(
    model: LightningModule,
    train: Any,
    val: Any,
    folder: Path,
    epochs: int = 30,
    monitor: str = "val/mse",
    loggers: list[Any] | None = None,
    resume_from: Path | None = None,
) -> tuple[Trainer, ModelCheckpoint]:
    """Train by the project's own trainer."""
    trainer, best = build_trainer(
        trainer_config(epochs), RunFolder(folder), monitor, loggers or [], quiet=True
    )
    trainer.fit(model, train, val, ckpt_path=resume_from, weights_only=True if resume_from else None)
    return trainer, best


def train_new(
    name: str, arrays: Arrays, val: Arrays, folder: Path, seed: int = 1, epochs: int = 20
) -> LightningModule:
    """A model trained from its seed, with its best checkpoint's weights, ready to answer."""
    seed_everything(seed, workers=True, verbose=False)
    model = make(name)
    if name in CLOSED_FORM:
        return fitted(model, arrays).eval()
    _, best = fit(model, batches(arrays, seed=seed), batches(val), folder, epochs)
    model.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
    return model.eval()


class Curves(DummyLogger):
    """A logger that keeps what is logged, epoch by epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append(dict(metrics))


class PicturePairs:
    """One batch after another of what FaceCLIP is trained on."""

    def __init__(self, count: int, batch_size: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        blocks = rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
        self.columns = {
            "pixels": torch.from_numpy(blocks.repeat(4, axis=1).repeat(4, axis=2)),
            "text": torch.from_numpy(rng.normal(size=(count, TEXT_DIM)).astype(np.float32)),
            "emotions": torch.from_numpy(rng.random((count, 8)).astype(np.float32)),
            "blendshapes": torch.from_numpy(rng.random((count, 52)).astype(np.float32)),
        }
        self.count, self.batch_size = count, batch_size

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for start in range(0, self.count, self.batch_size):
            yield {name: column[start : start + self.batch_size] for name, column in self.columns.items()}


def batches_for(name: str, count: int, seed: int = 0) -> Any:
    """Batches that a model of the registry can train on."""
    return PicturePairs(count, 32, seed) if name == "face_clip" else batches(pairs(count, seed), 32)
