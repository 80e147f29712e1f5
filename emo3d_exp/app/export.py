"""``python -m emo3d_exp.export``: faces of a run, or of a file, for other programs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.errors import ConfigError

log = logging.getLogger(__name__)


def export_faces(cfg: DictConfig, texts: Sequence[str] = (), keys: Sequence[str] = ()) -> None:
    """Write the faces that ``cfg`` asks for and print their paths.

    Args:
        cfg: of ``conf/export.yaml``. texts: those of the command line; none: ``cfg.text``.
        keys: of the overrides on the command line: a rig or renderer given there replaces the run's own.
    """
    from emo3d_exp.exporters import ExportRequest, export
    from emo3d_exp.exporters.formats import format_of

    if cfg.text is not None and not texts:
        texts = [cfg.text] if isinstance(cfg.text, str) else [str(text) for text in cfg.text]
    chosen = format_of(str(cfg.format))
    if cfg.predictions is None:
        faces, parts = _predicted(cfg, texts)
    else:
        faces, parts = _read(cfg, texts), cfg
    settings: dict[str, Any] = {"fps": cfg.fps, "seconds": cfg.seconds, "size": cfg.size}
    ExportRequest(**faces, **settings)  # refuses settings before a rig is loaded
    if chosen.rig:
        settings["rig"] = instantiate(_group("rig", cfg, parts, keys))
        settings["renderer"] = instantiate(
            _group("renderer", cfg, parts, keys), rig=settings["rig"], size=cfg.size
        )
    out = Path(cfg.out) if cfg.out is not None else Path(f"face{chosen.suffix}")
    for path in export(str(cfg.format), ExportRequest(**faces, **settings), out):
        log.info("%s", path)


def _predicted(cfg: DictConfig, texts: Sequence[str]) -> tuple[dict[str, Any], DictConfig]:
    """The faces that a run gives to texts, and the run's config."""
    if cfg.run_dir is None or not texts:
        raise ConfigError(
            'say which faces: run_dir=outputs/… text="a faint, bitter smile", or predictions=FILE '
            "(.npz .parquet .jsonl .csv .json)"
        )
    if cfg.sample_id is not None:
        raise ConfigError("sample_id=… picks faces of a predictions file; with text=… leave it out")
    from emo3d_exp.app.predictor import load_predictor
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    predictor = load_predictor(cfg.run_dir)
    return {"blendshapes": predictor(texts), "captions": tuple(texts)}, predictor.run_config


def _read(cfg: DictConfig, texts: Sequence[str]) -> dict[str, Any]:
    """The faces of a predictions file, all of them or those of ``cfg.sample_id``."""
    from emo3d_exp.evaluation import load_predictions

    if cfg.run_dir is not None or texts:
        raise ConfigError("give either predictions=FILE or run_dir=… with text=…, not both")
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


def _group(name: str, cfg: DictConfig, parts: DictConfig, keys: Sequence[str]) -> DictConfig:
    """A group as the command line gives it, or else the run's own."""
    return cfg[name] if any(key.split(".")[0] == name for key in keys) else parts[name]
