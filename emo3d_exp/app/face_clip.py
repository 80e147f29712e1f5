"""``python train.py experiment=face_clip``: train, score by retrieval, export."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import seed_everything
from torch import nn

from emo3d_exp.app.assemble import build_encoder, build_model, embedding_cache
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.app.face_clip_people import other_people
from emo3d_exp.app.face_clip_texts import Beginnings, Refinement, refine_projection
from emo3d_exp.app.fit import build_trainer, end_if_warned
from emo3d_exp.app.fitting import save_best
from emo3d_exp.augmentation import beginning
from emo3d_exp.backbones import build_face_clip, export_face_clip, resize_faces, to_pixels
from emo3d_exp.data import image_reader
from emo3d_exp.metrics import retrieval_scores
from emo3d_exp.runs import write_json
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    from emo3d_exp.backbones import Encoder
    from emo3d_exp.models.face_clip import FaceCLIPTraining
    from emo3d_exp.runs import RunFolder
    from emo3d_exp.tracking import Tracker

log = logging.getLogger(__name__)


class FacePairs:
    """Batches of pixels, text embeddings and emotions, all in memory: ``pixels`` (B, S, S, 3) uint8,
    ``text`` (B, 384), ``emotions`` (B, 8) and ``blendshapes`` (B, 52) float32. A new order each
    epoch, decided by the seed alone; with ``others`` (N, P, S, S, 3), each epoch takes one of a row's 1 + P
    pictures.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        text: np.ndarray,
        emotions: np.ndarray,
        blendshapes: np.ndarray,
        batch_size: int,
        seed: int | None,
        texts: Sequence[str] = (),
        others: np.ndarray | None = None,
    ) -> None:
        self.texts = tuple(texts)
        self.others = None if others is None else torch.from_numpy(others)
        self.columns = {
            "pixels": torch.from_numpy(pixels),
            "text": torch.from_numpy(text),
            "emotions": torch.from_numpy(emotions),
            "blendshapes": torch.from_numpy(blendshapes),
        }
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.columns["text"]) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        count = len(self.columns["text"])
        order, person = np.arange(count), np.zeros(count, int)
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, self.epoch])
            order = rng.permutation(count)
            if self.others is not None:
                person = rng.integers(0, 1 + self.others.shape[1], count)
            self.epoch += 1
        for start in range(0, count, self.batch_size):
            rows = torch.from_numpy(order[start : start + self.batch_size])
            batch = {name: column.index_select(0, rows) for name, column in self.columns.items()}
            shown = torch.from_numpy(person[order[start : start + self.batch_size]])
            if other := torch.nonzero(shown).flatten().tolist():
                batch["pixels"][other] = self.others[rows[other], shown[other] - 1]
            yield batch


def fit_face_clip(run: RunFolder, cfg: DictConfig, tracker: Tracker, resume_from: Path | None) -> float:
    """Train FaceCLIP and export it, with its held-out retrieval figures beside the weights.

    Returns:
        The best validation loss.
    """
    encoder = build_encoder(cfg.backbone)
    encoder.check()
    data = load_data(cfg)
    run.add_provenance(**data.facts(), backbone=encoder.fingerprint)
    train, val = (face_pairs(data, part, encoder, cfg) for part in ("train", "val"))
    seed_everything(cfg.seed, workers=True, verbose=False)
    settings = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))  # not struct: a key goes
    export_to, refine = settings.model.pop("export_to"), settings.model.pop("refine")
    settings.model.pop("people")
    model = build_model(settings, encoder.dim)
    trainer, best = build_trainer(cfg, run, "val/loss", tracker.lightning_loggers())
    trainer.fit(model, train, val, ckpt_path=resume_from, weights_only=True if resume_from else None)
    end_if_warned(trainer)
    error = save_best(run, cfg, model, best, encoder)
    teach_beginnings(model, train, encoder, refine, cfg.model.text_noise, cfg.seed)
    figures = export(
        model, Path(export_to or run.path), recipe(cfg, data), face_pairs(data, "test", encoder, cfg)
    )
    tracker.summary({name: value for name, value in figures.items() if isinstance(value, float)})
    return error


def face_pairs(data: LoadedData, part: str, encoder: Encoder, cfg: DictConfig) -> FacePairs:
    """Every (text, picture) of a part of the split, staged in memory; shuffled for training only."""
    corpus = data.corpus.select(data.rows(part))
    faces = np.flatnonzero([ref is not None for ref in corpus.image] & corpus.has_blendshapes)
    _, read = image_reader(corpus, faces)
    pixels = np.stack([resize_faces([read(i)])[0] for i in range(len(faces))])
    people = cfg.model.people if part == "train" else 0
    text_of = {int(sample): row for row, sample in reversed(list(enumerate(corpus.text_sample)))}
    texts = np.array([text_of[int(sample)] for sample in corpus.face_sample[faces]])
    embeddings = embedding_cache().texts(encoder, corpus.text)
    return FacePairs(
        pixels,
        np.ascontiguousarray(embeddings[texts]),
        corpus.emotions[corpus.face_sample[faces]],
        corpus.blendshapes[faces],
        cfg.batch_size,
        cfg.seed if part == "train" else None,
        [corpus.text[row] for row in texts],
        other_people(corpus, faces, people, cfg.seed) if people else None,
    )


def teach_beginnings(
    model: FaceCLIPTraining, train: FacePairs, encoder: Encoder, refine: DictConfig, noise: float, seed: int
) -> None:
    """The second stage, see :mod:`emo3d_exp.app.face_clip_texts`."""
    begun = {row: start for row, text in enumerate(train.texts) if (start := beginning(text))}
    if not begun:
        log.info("no text has more than one sentence: the second stage has nothing to learn from")
        return
    log.info("second stage: %d beginnings of %d texts", len(begun), len(train.texts))
    seed_everything(seed, workers=True, verbose=False)
    model.eval()
    with torch.inference_mode():
        parts = [model.encode_pixels(part, augment=False) for part in train.columns["pixels"].split(128)]
    data = Beginnings(
        whole=train.columns["text"],
        begun=torch.from_numpy(embedding_cache().texts(encoder, list(begun.values()))),
        row=torch.tensor(list(begun)),
        image=torch.cat(parts).clone(),
        emotions=train.columns["emotions"],
        scale=model.clip.logit_scale.exp().detach(),
    )
    how = Refinement(**OmegaConf.to_container(refine), noise=noise)
    refine_projection(model.clip.text.proj, data, how)


def held_out_retrieval(clip: nn.Module, pairs: FacePairs, count: int = 250) -> dict[str, Any]:
    """Image → text retrieval among ``count`` held-out pairs, and emotions of the 10 nearest prompts."""
    columns = {name: column[:count] for name, column in pairs.columns.items()}
    with torch.inference_mode():
        image = clip.eval().visual(to_pixels(columns["pixels"])).numpy()
        text = clip.text.proj(columns["text"]).numpy()
    figures = retrieval_scores(image, text, columns["emotions"].numpy())
    shares = np.bincount(dominant(columns["emotions"].numpy()), minlength=len(EMOTIONS))
    return {
        **figures,
        "pairs": len(image),
        "pairs_by_emotion": dict(zip(EMOTIONS, shares.tolist(), strict=True)),
    }


def recipe(cfg: DictConfig, data: LoadedData) -> dict[str, Any]:
    """What the weights were made with."""
    return {
        "command": "python train.py experiment=face_clip",
        "seed": cfg.seed,
        "batch_size": cfg.batch_size,
        "max_epochs": cfg.trainer.max_epochs,
        "lr": cfg.optimizer.lr,
        "weight_decay": cfg.optimizer.weight_decay,
        **{name: cfg.loss[name] for name in ("like_share", "lambda_image", "lambda_text")},
        "text_noise": cfg.model.text_noise,
        "text_dropout": cfg.model.text_dropout,
        "warmup_steps": cfg.model.warmup_steps,
        "people": cfg.model.people,
        "refine": OmegaConf.to_container(cfg.model.refine),
        **data.facts(),
    }


def export(
    model: FaceCLIPTraining, folder: Path, made_with: dict[str, Any], held_out: FacePairs
) -> dict[str, Any]:
    """Write ``face_clip.safetensors`` (half precision, without MiniLM) and ``face_clip.json`` beside it.

    Returns:
        The retrieval figures of what was written, read back.
    """
    file = folder / "face_clip.safetensors"
    export_face_clip(model.clip, file, made_with)
    figures = held_out_retrieval(build_face_clip(pretrained=file), held_out)
    write_json(folder / "face_clip.json", {"recipe": made_with, "held_out": figures})
    log.info("exported %s (%.1f MB): %s", file, file.stat().st_size / 1e6, figures)
    return figures
