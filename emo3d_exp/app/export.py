"""``python -m emo3d_exp.export``: faces of a run, or of a file, for other programs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.assemble import portrait_renderer
from emo3d_exp.app.overriding import overridden, paths_given
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import N_BLENDSHAPES

log = logging.getLogger(__name__)

GROUPS = ("rig", "renderer")
SIZE = 512
"""Pixels per side of pictures, where none are given: a run's own are those of the metric."""


def export_faces(cfg: DictConfig, texts: Sequence[str] = (), keys: Sequence[str] = ()) -> None:
    """Write the faces that ``cfg`` asks for and print their paths.

    Args:
        cfg: of ``conf/export.yaml``. texts: those of the command line; none: ``cfg.text``.
        keys: of the overrides on the command line: what they give of rig and renderer, the whole or single
            keys, replaces the run's own.
    """
    from emo3d_exp.exporters import ExportRequest, checked_place, export
    from emo3d_exp.exporters.formats import format_of
    from emo3d_exp.faces import portrait

    if cfg.text is not None and not texts:
        texts = [cfg.text] if isinstance(cfg.text, str) else [str(text) for text in cfg.text]
    chosen = format_of(str(cfg.format))
    out = Path(cfg.out) if cfg.out is not None else Path(f"face{chosen.suffix}")
    checked_place(str(cfg.format), out)
    look = portrait(cfg.view, cfg.light)
    faces, parts = (_read(cfg, texts), cfg) if cfg.predictions is not None else _predicted(cfg, texts)
    size = _size(cfg, keys)
    settings: dict[str, Any] = {"fps": cfg.fps, "seconds": cfg.seconds, "size": size, "look": look}
    ExportRequest(**faces, **settings)  # refuses settings before a rig is loaded
    if chosen.rig:
        parts = overridden(parts, cfg, keys, GROUPS)
        settings["rig"] = instantiate(parts.rig)
        keep = any(path.startswith("renderer.detail") or path == "renderer" for path in paths_given(keys))
        settings["renderer"] = portrait_renderer(parts.renderer, settings["rig"], size, keep)
    for path in export(str(cfg.format), ExportRequest(**faces, **settings), out):
        log.info("%s", path)


def _size(cfg: DictConfig, keys: Sequence[str]) -> int:
    """Pixels per side: ``size``, or else the renderer's where that is given, or else :data:`SIZE`."""
    if cfg.size is not None:
        return cfg.size
    return cfg.renderer.size if "renderer.size" in paths_given(keys) else SIZE


def _predicted(cfg: DictConfig, texts: Sequence[str]) -> tuple[dict[str, Any], DictConfig]:
    """The faces that a run gives to texts, and the run's config."""
    if cfg.run_dir is None or not texts:
        raise ConfigError(
            'say which faces: run_dir=outputs/… text="a faint, bitter smile" (a text may not be empty), or '
            "predictions=FILE (.npz .parquet .jsonl .csv .json)"
        )
    if cfg.sample_id is not None:
        raise ConfigError("sample_id=… picks faces of a predictions file; with text=… leave it out")
    from emo3d_exp.app.predictor import load_predictor
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    predictor = load_predictor(cfg.run_dir)
    if not cfg.samples:
        return {"blendshapes": predictor(texts), "captions": tuple(texts)}, predictor.run_config
    faces = predictor.samples(texts, cfg.samples).transpose(1, 0, 2).reshape(-1, N_BLENDSHAPES)
    captions = tuple(f"{text} ({number})" for text in texts for number in range(1, cfg.samples + 1))
    return {"blendshapes": faces, "captions": captions}, predictor.run_config


def _read(cfg: DictConfig, texts: Sequence[str]) -> dict[str, Any]:
    """The faces of a predictions file, all of them or those of ``cfg.sample_id``."""
    from emo3d_exp.evaluation import load_predictions

    if cfg.run_dir is not None or texts:
        raise ConfigError("give either predictions=FILE or run_dir=… with text=…, not both")
    if cfg.samples:
        raise ConfigError(f"samples={cfg.samples} are drawn from a run: give run_dir=… with text=…")
    read = load_predictions(cfg.predictions)
    rows = np.arange(len(read))
    if cfg.sample_id is not None:
        wanted = list(cfg.sample_id) if OmegaConf.is_list(cfg.sample_id) else [cfg.sample_id]
        absent = [str(number) for number in wanted if number not in read.sample_id.tolist()]
        if absent or not wanted:
            raise ConfigError(f"{cfg.predictions} has no face of sample_id {', '.join(absent) or '[]'}")
        rows = np.concatenate([np.flatnonzero(read.sample_id == number) for number in wanted])
    return {
        "blendshapes": read.blendshapes[rows],
        "sample_id": read.sample_id[rows],
        "text_number": read.text_number[rows],
    }
