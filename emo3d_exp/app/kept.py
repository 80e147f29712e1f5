"""What the jobs of a sweep in one process need alike is made once: data, encoders, judge, rig, renderer."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.resuming import is_job_of_sweep
from emo3d_exp.runs import cache_root

Part = TypeVar("Part")
LARGEST = 2
"""Parts of a kind that are held: a sweep over two backbones goes back and forth between them."""
_kept: OrderedDict[tuple[str, str], Any] = OrderedDict()


def kept(kind: str, configs: list[DictConfig | None], make: Callable[[], Part]) -> Part:
    """What ``make`` gives, or gave to an earlier job of this sweep in this process for the same configs.

    Only for what a job does not change. Outside of sweeps everything is made anew.

    Args:
        kind: of part. configs: all settings that it depends on.
    """
    if not HydraConfig.initialized() or not is_job_of_sweep():
        return make()
    told = [None if config is None else OmegaConf.to_container(config, resolve=True) for config in configs]
    key = (kind, json.dumps([str(cache_root()), *told], sort_keys=True, default=str))
    if key not in _kept:
        _kept[key] = make()
        same = [other for other in _kept if other[0] == kind]
        for other in same[:-LARGEST]:
            del _kept[other]
    _kept.move_to_end(key)
    return _kept[key]


def forget() -> None:
    """Let go of everything that is held."""
    _kept.clear()
