"""The trainings of benchmarks/training.py as one would write them by hand, in PyTorch alone.

Each loop is given a clock, which tells seconds, and returns those of each epoch after the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor
from torch.nn import functional

Columns = dict[str, Tensor]
Clock = Callable[[], float]


def plain_vae_clip(model: Any, batch: Columns, cfg: DictConfig) -> Tensor:
    """Equations 2-4."""
    latent = model.head.encode(batch["blendshapes"])
    error = functional.mse_loss(model.head.decode(latent.z), batch["blendshapes"])
    text, image = (1 - functional.cosine_similarity(batch[kind], latent.z) for kind in ("text", "image"))
    return error + cfg.loss.lambda_text * text.mean() + cfg.loss.lambda_image * image.mean()


def plain_clip_mlp(model: Any, batch: Columns, cfg: DictConfig) -> Tensor:
    """The mean squared error of both embeddings' faces."""
    faces = model.head(torch.cat([batch["text"], batch["image"]]))
    return functional.mse_loss(faces, torch.cat([batch["blendshapes"]] * 2))


def plain_lm_mlp(model: Any, batch: Columns, cfg: DictConfig) -> Tensor:
    """The mean squared error."""
    return functional.mse_loss(model.head(batch["text"]), batch["blendshapes"])


def plain_emotion_xlm(model: Any, batch: Columns, cfg: DictConfig) -> Tensor:
    """Equation 1, with teacher forcing."""
    read = model.head.emotions(batch["text"])
    taught = torch.rand(len(read), 1) < cfg.teacher_forcing.ratio
    faces = model.head.blendshapes(batch["text"], torch.where(taught, batch["emotions"], read))
    error = functional.mse_loss(faces, batch["blendshapes"])
    return cfg.loss.lambda_blendshapes * error + cfg.loss.lambda_emotions * functional.mse_loss(
        read, batch["emotions"]
    )


def plain_cvae_ensemble(model: Any, batch: Columns, cfg: DictConfig) -> Tensor:
    """The same four terms, member by member."""
    text, face = model.head.scaled(batch["text"]), batch["blendshapes"]
    total = torch.zeros(())
    for member in model.head.members:
        size = text.square().mean(dim=-1, keepdim=True).sqrt()
        seen = text + cfg.model.text_noise * size * torch.randn_like(text)
        z, mu, logvar = member.encode(seen, face)
        read = member.read_text(seen)
        answer, emotions = member.decode(read)
        prior = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=-1).mean()
        total = total + functional.mse_loss(answer, face) + cfg.loss.beta * prior
        total = total + cfg.loss.lambda_reconstruction * functional.mse_loss(member.decode(read, z)[0], face)
        total = total + cfg.loss.lambda_emotions * functional.mse_loss(emotions, batch["emotions"])
    return total / len(model.head.members)


PLAIN: dict[str, Callable[[Any, Columns, DictConfig], Tensor]] = {
    "vae_clip": plain_vae_clip,
    "clip_mlp": plain_clip_mlp,
    "lm_mlp": plain_lm_mlp,
    "emotion_xlm": plain_emotion_xlm,
    "cvae_ensemble": plain_cvae_ensemble,
}


def plain_loop(cfg: DictConfig, model: Any, train: Columns, val: Columns, clock: Clock) -> list[float]:
    """On embeddings of a frozen backbone."""
    loss_of = PLAIN[cfg.model.name]
    optimizer = model.configure_optimizers()
    count, marks = len(train["text"]), []
    for _ in range(cfg.trainer.max_epochs):
        marks.append(clock())
        model.train()
        order = torch.randperm(count)
        for start in range(0, count, cfg.batch_size):
            rows = order[start : start + cfg.batch_size]
            loss = loss_of(model, {name: column[rows] for name, column in train.items()}, cfg)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            functional.mse_loss(model.from_text(val["text"]), val["blendshapes"]).item()
    return np.diff([*marks, clock()])[1:].tolist()


def plain_fine_tuning(cfg: DictConfig, model: Any, train: Columns, val: Columns, clock: Clock) -> list[float]:
    """With a language model that is trained along; the optimizer is torch's own AdamW."""
    tower, head, count, marks = model.tower, model.head, len(train["ids"]), []
    steps = cfg.trainer.max_epochs * -(-count // cfg.batch_size)
    groups = [{"params": head.parameters()}, {"params": tower.parameters(), "lr": 2e-5}]
    optimizer = torch.optim.AdamW(groups, lr=cfg.optimizer.lr)
    pace = [lambda step: 1.0, lambda step: tower.tuning.factor(step, steps)]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)

    def faces(ids: Tensor) -> Tensor:
        return head(tower({"input_ids": ids, "attention_mask": torch.ones_like(ids)}))

    for _ in range(cfg.trainer.max_epochs):
        marks.append(clock())
        model.train()
        for rows in torch.randperm(count).split(cfg.batch_size):
            loss = functional.mse_loss(faces(train["ids"][rows]), train["blendshapes"][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            parts = (val[name].split(cfg.batch_size) for name in ("ids", "blendshapes"))
            for ids, truth in zip(*parts, strict=True):
                functional.mse_loss(faces(ids), truth).item()
    return np.diff([*marks, clock()])[1:].tolist()
