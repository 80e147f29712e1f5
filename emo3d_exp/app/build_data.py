"""``python build_data.py``: build a data set in stages, or look one over."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.app.building import build_new, held, target
from emo3d_exp.app.surveying import SURVEYS
from emo3d_exp.app.tracked_building import tracked_build
from emo3d_exp.app.tracked_names import is_tracked
from emo3d_exp.errors import ConfigError

log = logging.getLogger(__name__)

SOURCES = ("mini", "stages", "emo3d")


def build(cfg: DictConfig) -> None:
    """Build the data set of ``cfg.source`` where it is not there yet, or do what ``cfg.stage`` names.

    Raises:
        ConfigError: an unknown source or stage, or settings that do not go together.
    """
    if cfg.source not in SOURCES:
        raise ConfigError(f"source={cfg.source}: choose from {', '.join(SOURCES)}")
    only = stage_names(cfg.stage)
    surveys = [name for name in only or () if name in SURVEYS]
    if is_tracked(cfg) and (surveys or cfg.dry_run):
        told = f"stage={surveys[0]}" if surveys else "dry_run=true"
        raise ConfigError(f"{told} builds nothing that could be tracked: leave tracking=… out")
    if surveys:
        if only != surveys[:1]:
            raise ConfigError(f"stage={surveys[0]} looks a finished data set over: give it alone")
        SURVEYS[surveys[0]](cfg)
        return
    if cfg.source == "stages":
        build_new(cfg, only)
    elif cfg.source == "emo3d":
        fetch_published(cfg, only)
    else:
        build_mini(cfg, only)


def build_mini(cfg: DictConfig, only: Sequence[str] | None) -> None:
    """Build data=mini where it is not there yet, or some of its stages."""
    from emo3d_exp.dataset_builder import MiniSettings, ensure_mini, is_built, mini_folder

    started = time.monotonic()
    given = [key for key in ("out", "limit", "retry", "dry_run") if cfg[key]]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: source=mini has data.folder=… and data.rows=…; with source=stages you "
            "build a data set of your own"
        )
    data = instantiate(cfg.data, _convert_="all")
    if not hasattr(data, "build_settings"):
        raise ConfigError(
            f"data={data.name} is not built but read; python build_data.py builds data=mini, with "
            "source=stages a data set of your own, and with source=emo3d our table of the published one"
        )
    executor = instantiate(cfg.executor)
    told = {key: value for key, value in data.build_settings.items() if key != "processes"}
    folder = Path(data.folder).expanduser() if data.folder else mini_folder(MiniSettings(**told))
    place = folder if data.folder else Path("outputs", f"build_{data.name}")
    with tracked_build(cfg, place.resolve(), folder):
        ensure_mini(**data.build_settings, folder=data.folder, stage=only, executor=executor)
    state = "complete" if is_built(folder) else "not complete yet: run the other stages too"
    log.info("data=%s in %s is %s (%.0f s)", data.name, folder, state, time.monotonic() - started)


def fetch_published(cfg: DictConfig, only: Sequence[str] | None) -> None:
    """Make our table of the published data set in ``cfg.out``."""
    if only is not None:
        raise ConfigError("stage=… with source=emo3d: it has no stages; report and validate read data=emo3d")
    given = [key for key in ("limit", "retry", "dry_run") if cfg[key]]
    if given:
        raise ConfigError(f"{', '.join(given)}: not with source=emo3d")
    folder = target(cfg)
    with held(folder), tracked_build(cfg, folder, folder):
        instantiate(cfg.emo3d, _convert_="all").build(folder)
    log.info("train on it: python train.py data=table data.path=%s", folder)


def stage_names(chosen: object) -> list[str] | None:
    """Names from null, ``texts``, ``"texts,emotions"`` or a list of names."""
    if chosen is None:
        return None
    listed = chosen.split(",") if isinstance(chosen, str) else [str(name) for name in chosen]  # type: ignore[attr-defined]
    return [name.strip() for name in listed if name.strip()]
