"""How runs are grouped and labelled where they are tracked: by model and data, each seed a run."""

from __future__ import annotations

from pathlib import PurePath

from omegaconf import DictConfig

LONGEST_TAG = 64
"""Of W&B."""


def default_group(cfg: DictConfig) -> str:
    """``vae_clip-mini``: the runs of one model on one data set, whatever their seed."""
    return f"{cfg.model.name}-{built_name(cfg.data, 'Data')}"


def default_tags(cfg: DictConfig) -> list[str]:
    """Model, data, split and backbone, such as ``vae_clip``, ``mini``, ``published``, ``face_clip``."""
    backbone = PurePath(str(cfg.backbone.get("name") or "")).name
    found = [cfg.model.name, built_name(cfg.data, "Data"), built_name(cfg.split, "Split"), backbone]
    return [str(tag)[:LONGEST_TAG] for tag in dict.fromkeys(found) if tag]


def built_name(group: DictConfig, kind: str) -> str:
    """The name of what a config builds: ``mini`` of ``emo3d_exp.data.MiniData``."""
    return str(group._target_).rpartition(".")[2].removesuffix(kind).lower()
