"""From a config to trained weights in the run folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningModule, seed_everything
from pytorch_lightning.callbacks import ModelCheckpoint

from emo3d_exp.app.assemble import (
    build_augmentation,
    build_encoder,
    build_model,
    check_trainer,
    embedding_cache,
    set_threads,
)
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.app.fit import build_trainer, end_if_warned, training_seconds
from emo3d_exp.app.processes import Seat, check_shards, company, seat_of
from emo3d_exp.app.pruning import require_finite
from emo3d_exp.errors import ConfigError
from emo3d_exp.models import model_class
from emo3d_exp.models.weights import save_weights
from emo3d_exp.vocab import VOCABULARY_HASH

if TYPE_CHECKING:
    from emo3d_exp.augmentation import Batches
    from emo3d_exp.backbones import Encoder, StoredRows
    from emo3d_exp.records import Corpus
    from emo3d_exp.runs import RunFolder
    from emo3d_exp.tracking import Tracker

log = logging.getLogger(__name__)


def fit(run: RunFolder, cfg: DictConfig, tracker: Tracker, resume_from: Path | None) -> float:
    """Train, and write the best checkpoint's weights into the run folder.

    Returns:
        The best validation error.
    """
    encoder = checked_encoder(cfg)
    seed_everything(cfg.seed, workers=True, verbose=False)
    model = build_model(cfg, encoder.dim, encoder.text_tower())  # whose settings may be refused
    trainer = check_trainer(cfg)
    check_shards(trainer, model)
    seat = seat_of(trainer)
    set_threads(cfg.threads, seat.local_count)
    train, val = prepared(run, cfg, encoder, seat)
    trainer, best = build_trainer(cfg, run, "val/mse", tracker.lightning_loggers(), seat=seat)
    with company(seat, cfg, run, resume_from):
        trainer.fit(model, train, val, ckpt_path=resume_from, weights_only=True if resume_from else None)
    end_if_warned(trainer)
    require_finite(run, trainer, "val/mse", OmegaConf.select(cfg, "optimizer.lr"))
    took = round(training_seconds(trainer), 2)
    # a new one: of the trained one this process may hold a flat part alone, as under FSDP
    fresh = build_model(cfg, encoder.dim, encoder.text_tower())
    return save_best(run, cfg, fresh, best, encoder, {"train_seconds": took})


def fit_along(
    run: RunFolder, cfg: DictConfig, seat: Seat, resume_from: Path | None, ready: Callable[[], object]
) -> None:
    """Train along with the process that keeps the run folder, see :func:`fit`; ``ready`` is called before."""
    encoder = checked_encoder(cfg)
    seed_everything(cfg.seed, workers=True, verbose=False)
    model = build_model(cfg, encoder.dim, encoder.text_tower())
    data = load_data(cfg)
    train, val = (stage(data, part, encoder, cfg, seat) for part in ("train", "val"))
    del data  # its rows and columns may take much memory
    trainer, _ = build_trainer(cfg, run, "val/mse", [], quiet=True, seat=seat)
    ready()
    with company(Seat(seat.rank, seat.count), cfg, run, resume_from):
        trainer.fit(model, train, val, ckpt_path=resume_from, weights_only=True if resume_from else None)


def fit_closed_form(run: RunFolder, cfg: DictConfig, tracker: Tracker, resume_from: Path | None) -> float:
    """Fit a model that takes no gradient steps, and write its weights into the run folder.

    Returns:
        The validation error.
    """
    encoder = checked_encoder(cfg)
    seed_everything(cfg.seed, workers=True, verbose=False)
    model = build_model(cfg, encoder.dim)
    train, val = prepared(run, cfg, encoder)
    started = time.monotonic()
    model.fit_closed_form(train.whole(), val.whole())
    took = round(time.monotonic() - started, 2)
    trainer, _ = build_trainer(cfg, run, "val/mse", tracker.lightning_loggers(), quiet=True)
    error = float(trainer.validate(model, val, verbose=False)[0]["val/mse"])
    save_fitted(run, cfg, model, encoder, {"val/mse": error, "train_seconds": took})
    log.info("val/mse %.5f", error)
    return error


def prepared(
    run: RunFolder, cfg: DictConfig, encoder: Encoder, seat: Seat | None = None
) -> tuple[Batches, Batches]:
    """The pairs to train and to validate on; what they are goes into the provenance."""
    data = load_data(cfg)
    run.add_provenance(**data.facts(), backbone=encoder.fingerprint)
    train, val = (stage(data, part, encoder, cfg, seat) for part in ("train", "val"))
    run.add_provenance(training_pairs=train.n_pairs)
    log.info(
        "training %s: %d pairs of text and face, %d to validate", cfg.model.name, train.n_pairs, val.n_pairs
    )
    return train, val


def checked_encoder(cfg: DictConfig) -> Encoder:
    """The backbone's encoder, its weights within reach and fit for the model."""
    encoder = build_encoder(cfg.backbone)
    needed = model_class(cfg.model.name).modalities
    if missing := needed - encoder.modalities:
        raise ConfigError(
            f"model={cfg.model.name} needs a backbone that embeds {' and '.join(sorted(needed))}, but "
            f"{encoder.name} has no {' or '.join(sorted(missing))} tower; choose backbone=face_clip "
            "or backbone=clip_vit_b32"
        )
    encoder.check()
    return encoder


def stage(
    data: LoadedData, part: str, encoder: Encoder, cfg: DictConfig, seat: Seat | None = None
) -> Batches:
    """Embed the texts and images of a part (each distinct one once) and stage them as tensors; with a
    trainable backbone texts are tokenised and no more. The training part is augmented; no other part ever is.
    """
    from emo3d_exp.data import TensorBatches, TokenBatches

    corpus = data.corpus.select(data.rows(part))
    augmentation = build_augmentation(cfg, part)
    corpus = augmentation.corpus(corpus, cfg.seed)
    with_images = "image" in model_class(cfg.model.name).modalities and part == "train"
    pairs = corpus.pairs()
    if not len(pairs):
        raise ConfigError(f"the {part} part of data={data.corpus.name} has no text with a scored face")
    corpus, exchange = augmentation.exchange(corpus)
    common = {
        "blendshapes": corpus.blendshapes,
        "emotions": corpus.text_emotions(),
        "pairs": pairs,
        "batch_size": cfg.batch_size,
        "shuffle": part == "train",
        "seed": cfg.seed,
        "exchange": exchange,
        "dealing": (seat or Seat()).dealing(cfg, part),
    }
    if encoder.trainable:
        return TokenBatches(tokens=encoder.token_rows(corpus.text), **common)
    images = embed_images(corpus, encoder) if with_images else None
    text = embedding_cache().stored_texts(encoder, corpus.text)
    return augmentation.batches(TensorBatches(text=text, image=images, **common), cfg.seed)


def embed_images(corpus: Corpus, encoder: Encoder) -> StoredRows:
    """(F, D) embeddings of the faces' images, in the cache's files; absent where a face has none."""
    from emo3d_exp.data import image_reader

    faces = np.flatnonzero(corpus.has_image)
    keys, read = image_reader(corpus, faces)
    return embedding_cache().stored_images(encoder, keys, read).spread(faces, len(corpus.image))


def save_best(
    run: RunFolder,
    cfg: DictConfig,
    model: LightningModule,
    best: ModelCheckpoint,
    encoder: Encoder,
    facts: dict[str, float] | None = None,
) -> float:
    """Put the best checkpoint's state into ``model`` and write it as safetensors, ``facts`` beside it."""
    import torch

    checkpoint = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
    model.on_load_checkpoint(checkpoint)
    model.load_state_dict(checkpoint["state_dict"])
    error = float(best.best_model_score)
    told = {"epoch": int(checkpoint["epoch"]), best.monitor: error, **(facts or {})}
    save_fitted(run, cfg, model, encoder, told)
    log.info("best %s %.5f in epoch %d", best.monitor, error, checkpoint["epoch"] + 1)
    return error


def save_fitted(
    run: RunFolder, cfg: DictConfig, model: LightningModule, encoder: Encoder, facts: dict[str, int | float]
) -> None:
    """Write the weights, and beside them what they belong to, with ``facts`` of the training."""
    description = {
        "schema": 1,
        "model": cfg.model.name,
        "embedding_dim": encoder.dim,
        "backbone": encoder.fingerprint,
        "vocabulary": VOCABULARY_HASH,
        "parameters": sum(values.numel() for values in model.state_dict().values()),
        **({"fine_tuned": True} if encoder.trainable else {}),
        **facts,
    }
    save_weights(model, run.weights_file, description, run.model_file)
