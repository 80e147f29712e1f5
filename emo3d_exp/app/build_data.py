"""``python build_data.py``: build a data set in stages."""

from __future__ import annotations

import logging
import time

from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.errors import ConfigError

log = logging.getLogger(__name__)


def build(cfg: DictConfig) -> None:
    """Build the data set of ``cfg.data`` where it is not there yet, or the stages of ``cfg.stage`` alone.

    Raises:
        ConfigError: the data set is not one that is built here.
    """
    from emo3d_exp.dataset_builder import ensure_mini, is_built

    started = time.monotonic()
    data = instantiate(cfg.data, _convert_="all")
    if not hasattr(data, "build_settings"):
        raise ConfigError(f"data={data.name} is not built but read; python build_data.py builds data=mini")
    folder = ensure_mini(**data.build_settings, folder=data.folder, stage=stage_names(cfg.stage))
    state = "complete" if is_built(folder) else "not complete yet: run the other stages too"
    log.info("data=%s in %s is %s (%.0f s)", data.name, folder, state, time.monotonic() - started)


def stage_names(chosen: object) -> list[str] | None:
    """Names from null, ``texts``, ``"texts,emotions"`` or a list of names."""
    if chosen is None:
        return None
    listed = chosen.split(",") if isinstance(chosen, str) else [str(name) for name in chosen]  # type: ignore[attr-defined]
    return [name.strip() for name in listed if name.strip()]
