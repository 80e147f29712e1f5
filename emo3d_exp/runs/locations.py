"""Where things that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Folder of built data sets and embeddings: ``$EMO3D_CACHE``, else the platform's
    cache folder for the user. It may be deleted at any time; all of it is made or fetched again.
    """
    chosen = os.environ.get("EMO3D_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("emo3d_exp")
