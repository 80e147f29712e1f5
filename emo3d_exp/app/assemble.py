"""Objects from configs: the only place, with the scripts, where ``instantiate`` is called."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.kept import kept
from emo3d_exp.errors import ConfigError
from emo3d_exp.models import model_class
from emo3d_exp.runs import available_cores, cache_root

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

    from emo3d_exp.augmentation import Augmentation
    from emo3d_exp.backbones import EmbeddingCache, Encoder
    from emo3d_exp.backbones.text_tower import TextTower
    from emo3d_exp.faces import Renderer, Rig
    from emo3d_exp.models.base import FaceSystem

PARTS = ("loss", "optimizer", "teacher_forcing")
"""Groups beside ``head`` that a model's constructor takes, each only where its config has it."""


def set_threads(threads: int | None, processes: int = 1) -> None:
    """Set the CPU threads of torch and OpenCV: the given number, or the cores this process may use, at most
    4; those of several processes on one machine share the cores."""
    import torch

    count = threads or max(1, min(4, available_cores() // processes))
    torch.set_num_threads(count)
    with suppress(ImportError):  # a machine that cannot draw may train; who draws is told
        import cv2

        cv2.setNumThreads(count)


def check_trainer(cfg: DictConfig) -> Trainer:
    """Raise ConfigError where Lightning cannot train as ``cfg.trainer`` says, such as on an absent GPU."""
    from pytorch_lightning.utilities.exceptions import MisconfigurationException

    try:
        return instantiate(
            cfg.trainer, _convert_="all", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
    except (InstantiationException, MisconfigurationException) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise ConfigError(f"trainer: {reason} (trainer=cpu trains anywhere)") from error


def build_encoder(backbone: DictConfig) -> Encoder:
    """The encoder of a backbone config; its weights are not loaded yet, unless an earlier job of the sweep
    has used it."""
    if backbone.get("trainable"):
        return instantiate(backbone)
    return kept("encoder", [backbone], lambda: instantiate(backbone))


def build_rig(rig: DictConfig) -> Rig:
    """The head of a rig config."""
    return instantiate(rig)


def portrait_renderer(renderer: DictConfig, rig: Rig, size: int, keep_detail: bool = False) -> Renderer:
    """A run's renderer for pictures to look at: in full detail, though it judges faces in a lighter one.

    Args:
        size: pixels per side. keep_detail: draw in the detail of the config, which was asked for.
    """
    detail = {"detail": "full"} if "detail" in renderer and not keep_detail else {}
    return instantiate(renderer, rig=rig, size=size, **detail)


def embedding_cache() -> EmbeddingCache:
    """The cache that every run on this machine shares."""
    from emo3d_exp.backbones import EmbeddingCache

    return kept("embeddings", [], lambda: EmbeddingCache(cache_root() / "embeddings"))


def build_augmentation(cfg: DictConfig, part: str = "train") -> Augmentation:
    """What is done to a part of the split: nothing but to ``train``, nor in runs older than the group."""
    from emo3d_exp.augmentation import Augmentation

    chosen = part == "train" and "augmentation" in cfg
    return instantiate(cfg.augmentation) if chosen else Augmentation()


def build_model(cfg: DictConfig, embedding_dim: int, tower: TextTower | None = None) -> FaceSystem:
    """The LightningModule of a config, with its head and the other parts that it is made of.

    Args:
        cfg: with the groups model, head, and those of ``PARTS`` that the model takes.
        embedding_dim: width D of the backbone's embeddings.
        tower: the backbone as a part of the model, where it is trained along.
    """
    settings: dict[str, Any] = {str(k): v for k, v in OmegaConf.to_container(cfg.model, resolve=True).items()}
    head = instantiate(cfg.head, in_features=embedding_dim, _convert_="all")
    parts = {part: instantiate(cfg[part], _convert_="all") for part in PARTS if part in cfg}
    model = model_class(settings.pop("name"))(head=head, **parts, **settings)
    if tower is not None:
        model.tower = tower
    return model
