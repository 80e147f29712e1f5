"""The Hugging Face hub: what lies in its cache, and fetching from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from emo3d_exp.runs.network import why_unreachable as why_unreachable


def cached_folder(repo: str, revision: str, files: Sequence[str]) -> Path | None:
    """The folder of the hub's cache that holds one of ``files``, or None."""
    from huggingface_hub import try_to_load_from_cache

    for file in files:
        found = try_to_load_from_cache(repo, file, revision=revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def cache_folder() -> str:
    """Where the hub's cache lies, for messages."""
    from huggingface_hub import constants

    return str(constants.HF_HUB_CACHE)


def address(repo: str, revision: str, file: str) -> str:
    """The address of a file, at the endpoint that ``$HF_ENDPOINT`` names or the public one."""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{endpoint}/{repo}/resolve/{revision}/{file}"


def offline_variable() -> str | None:
    """The environment variable that forbids the hub, or None."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}:
            return name
    return None


def download(repo: str, revision: str, patterns: Sequence[str]) -> Path:
    """Fetch the files that match, into the hub's cache, and return their folder."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))
