"""How runs are grouped and labelled where they are tracked: by model and data, each seed a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from omegaconf import DictConfig

from emo3d_exp.app.tracked_sweeps import LONGEST_TAG, sweep_job


def page_names(cfg: DictConfig, known: Mapping[str, Any], job_type: str) -> dict[str, Any]:
    """``name``, ``group`` and ``tags`` of a run's page.

    A training in a sweep is grouped with the others of it, and named and tagged by what is swept, unless
    ``name`` or ``group`` are given. Its evaluation keeps what ``known``, the run's ``tracking.json``, tells.
    """
    tags = [*cfg.tags, *default_tags(cfg)]
    found = {"name": str(cfg.name), "group": cfg.group or default_group(cfg)}
    if "group" in known:
        found = {"name": str(known["name"]), "group": str(known["group"])}
        tags = [*tags, *known["tags"]]
    elif job_type == "train" and (job := sweep_job()) is not None:
        if not cfg.group:
            found["group"] = job.group
        if job.name and found["name"] == default_name(cfg):
            found["name"] = job.name
        tags = [*tags, *job.tags]
    return {**found, "tags": list(dict.fromkeys(tags))}


def names_to_keep(names: Mapping[str, Any], cfg: DictConfig) -> dict[str, Any]:
    """What of :func:`page_names` the config alone would not give again: all of a sweep's, nothing else."""
    usual = {
        "name": str(cfg.name),
        "group": cfg.group or default_group(cfg),
        "tags": list(dict.fromkeys([*cfg.tags, *default_tags(cfg)])),
    }
    return {} if names == usual else dict(names)


def default_name(cfg: DictConfig) -> str:
    """What ``conf/train.yaml`` calls a run."""
    return f"{cfg.model.name}_seed{cfg.seed}"


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
    return short_tags([system, built_name(cfg.data, "Data"), built_name(cfg.split, "Split"), *more])


def short_tags(found: Iterable[str]) -> list[str]:
    """Each once, none empty or longer than W&B takes."""
    return [str(tag)[:LONGEST_TAG] for tag in dict.fromkeys(found) if tag]


def is_tracked(cfg: DictConfig) -> bool:
    """Whether ``tracking`` is another than ``none``."""
    return not str(cfg.tracking._target_).endswith(".NoTracker")


def built_name(group: DictConfig, kind: str) -> str:
    """The name of what a config builds: ``mini`` of ``emo3d_exp.data.MiniData``."""
    return str(group._target_).rpartition(".")[2].removesuffix(kind).lower()
