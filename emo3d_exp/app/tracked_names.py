"""How runs are grouped and labelled where they are tracked: by model and data, each seed a run."""

from __future__ import annotations

from pathlib import PurePath

from omegaconf import DictConfig

LONGEST_TAG = 64
"""Of W&B."""


def default_group(cfg: DictConfig) -> str:
    """``vae_clip-mini``: the runs of one model on one data set, whatever their seed."""
    return group_name(cfg, str(cfg.model.name))


def group_name(cfg: DictConfig, system: str) -> str:
    """``<system>-<data>``."""
    return f"{system}-{built_name(cfg.data, 'Data')}"


def default_tags(cfg: DictConfig) -> list[str]:
    """Model, data, split and backbone, such as ``vae_clip``, ``mini``, ``published``, ``face_clip``."""
    backbone = PurePath(str(cfg.backbone.get("name") or "")).name
    return system_tags(cfg, str(cfg.model.name), backbone)


def system_tags(cfg: DictConfig, system: str, *more: str) -> list[str]:
    """System, data, split and ``more``; each once, none empty or longer than W&B takes."""
    found = [system, built_name(cfg.data, "Data"), built_name(cfg.split, "Split"), *more]
    return [str(tag)[:LONGEST_TAG] for tag in dict.fromkeys(found) if tag]


def is_tracked(cfg: DictConfig) -> bool:
    """Whether ``tracking`` is another than ``none``."""
    return not str(cfg.tracking._target_).endswith(".NoTracker")


def built_name(group: DictConfig, kind: str) -> str:
    """The name of what a config builds: ``mini`` of ``emo3d_exp.data.MiniData``."""
    return str(group._target_).rpartition(".")[2].removesuffix(kind).lower()
