"""What this machine offers: a place for things that can be made again, and cores."""

from __future__ import annotations

import os
from pathlib import Path

CORES = "EMO3D_CORES"
"""Environment variable: at most so many cores are used, where work runs beside."""


def cache_root() -> Path:
    """Folder of built data sets and embeddings: ``$EMO3D_CACHE``, else the platform's
    cache folder for the user. It may be deleted at any time; all of it is made or fetched again.
    """
    chosen = os.environ.get("EMO3D_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("emo3d_exp")


def available_cores() -> int:
    """Cores that this process may use, at least 1; the machine's where the platform does not tell; at most
    ``$EMO3D_CORES``."""
    told = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get(CORES, "")
    return max(1, min(told, int(limit))) if limit.isdigit() else told
