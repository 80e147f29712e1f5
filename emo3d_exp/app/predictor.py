"""A trained run as a function from texts to blendshapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from omegaconf import DictConfig

from emo3d_exp.app.plugins import require_packages
from emo3d_exp.errors import ConfigError, Emo3DError, WeightsUnavailableError
from emo3d_exp.runs import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

    from emo3d_exp.backbones import EmbeddingCache, Encoder
    from emo3d_exp.models.base import FaceSystem


def check_samples(model: str, count: int) -> None:
    """Raise ConfigError where a model gives one face for a text only, or fewer than 2 are asked for."""
    from emo3d_exp.models import model_class, model_classes

    able = [name for name, each in model_classes().items() if hasattr(each, "variations")]
    if not hasattr(model_class(model), "variations"):
        raise ConfigError(
            f"samples={count}: model={model} gives one face for a text; several are given by "
            f"{', '.join(f'model={name}' for name in able)}"
        )
    if count < 2:
        raise ConfigError(f"samples={count} must be at least 2; leave it out for the answer alone")


class Predictor:
    """Texts → blendshapes. Make one with :func:`load_predictor`.

    Args:
        model: with its trained weights.
        encoder: the backbone that the model was trained on; where it was trained along, as it is now.
        run_config: the run's config, with the rig and the renderer that it was scored with.
        cache: where embeddings are kept; None: nowhere.
    """

    def __init__(
        self,
        model: FaceSystem,
        encoder: Encoder,
        run_config: DictConfig,
        cache: EmbeddingCache | None = None,
    ) -> None:
        self.model = model.eval()
        self.encoder = encoder
        self.run_config = run_config
        self.cache = cache

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """N texts → (N, 52) float32 blendshape scores in [0, 1], in the order of ``BLENDSHAPES``.

        Raises:
            TypeError: ``texts`` is one string rather than a list of them.
        """
        import torch

        embeddings = self._embed(texts)
        with torch.inference_mode():
            scores = self.model.from_text(embeddings)
        return scores.numpy().astype(np.float32).clip(0.0, 1.0)

    def samples(self, texts: Sequence[str], count: int = 8, seed: int = 0) -> np.ndarray:
        """N texts → (count, N, 52) float32: different faces for each text.

        Args:
            texts: descriptions of emotions. count: faces for each, at least 2.
            seed: of the faces; those of a text do not depend on the texts beside it.

        Raises:
            ConfigError: the model gives one face for a text, or ``count`` is below 2.
        """
        import torch

        check_samples(self.run_config.model.name, count)
        embeddings = self._embed(texts)
        with torch.inference_mode():
            faces = self.model.variations(embeddings, count, torch.Generator().manual_seed(seed))
        return faces.numpy().astype(np.float32).clip(0.0, 1.0)

    def _embed(self, texts: Sequence[str]) -> Tensor:
        import torch

        if isinstance(texts, str):
            raise TypeError(f"expected a list of texts, got one string; write predict([{texts!r}])")
        texts = list(texts)
        embed = self.encoder.encode_texts
        embeddings = embed(texts) if self.cache is None else self.cache.texts(self.encoder, texts)
        return torch.from_numpy(np.ascontiguousarray(embeddings))


def load_predictor(run_dir: Path | str, cache: EmbeddingCache | None = None) -> Predictor:
    """Reload a trained run from its folder alone, wherever it lies now.

    Args:
        run_dir: folder that ``train.py`` wrote.
        cache: keep embeddings of a frozen backbone there; None: compute them at each call.

    Returns:
        A function: ``predict(["a faint, bitter smile"])`` → (1, 52) float32 in [0, 1].

    Raises:
        Emo3DError: no finished run, or its backbone's weights have changed.
    """
    from emo3d_exp.app.assemble import build_model
    from emo3d_exp.models import model_class
    from emo3d_exp.models.base import FaceSystem
    from emo3d_exp.models.weights import load_weights, read_description

    run = RunFolder(run_dir)
    cfg = run.config()
    require_packages(cfg, str(run.path))
    run.require_weights()
    if not issubclass(model_class(cfg.model.name), FaceSystem):
        raise ConfigError(
            f"{run.path} holds {cfg.model.name}, which gives embeddings, not faces; use it as a backbone: "
            f"backbone=face_clip backbone.pretrained={run.path / 'face_clip.safetensors'}"
        )
    description = read_description(run.model_file)
    encoder = encoder_of(run, cfg, description["backbone"])
    tower = encoder.text_tower()
    model = build_model(cfg, description["embedding_dim"], tower)
    load_weights(model, run.weights_file)
    if tower is None:
        return Predictor(model, encoder, cfg, cache)
    from emo3d_exp.backbones.tuned_encoder import TunedEncoder

    return Predictor(model, TunedEncoder(encoder, tower), cfg)


def encoder_of(run: RunFolder, cfg: DictConfig, fingerprint: str) -> Encoder:
    """A run's backbone as it was before the training. Raises Emo3DError where it is out of reach, or has
    another fingerprint now."""
    from emo3d_exp.app.assemble import build_encoder

    encoder = build_encoder(cfg.backbone)
    try:
        encoder.check()
    except WeightsUnavailableError as error:
        if not encoder.trainable:
            raise
        raise WeightsUnavailableError(
            f"{run.path} holds what was trained of its language model alone, and needs the weights that it "
            f"was trained from: {error}"
        ) from error
    if encoder.fingerprint != fingerprint:
        raise Emo3DError(
            f"{run.path} was trained on embeddings of {fingerprint}, but its backbone is now "
            f"{encoder.fingerprint}: other weights or settings would give it embeddings it never saw"
        )
    return encoder
