"""The Hugging Face hub: what lies in its cache, whether it answers, and fetching from it."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

PROBE_SECONDS = 3.0


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


def why_unreachable(url: str, seconds: float = PROBE_SECONDS) -> str | None:
    """Ask for ``url`` once; None when it answers, else the reason in a few words.

    The question runs in a thread of its own, because looking a host name up ignores time limits.
    """
    reason = [f"no answer within {seconds:g} s"]

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=seconds):
                reason[0] = ""
        except urllib.error.HTTPError as error:
            # 401 and 403 may be settled by the user's token, which the download presents.
            reason[0] = "" if error.code in (401, 403) else f"it answers {error.code} {error.reason}"
        except Exception as error:  # whatever fails here, the answer is that there is no connection
            reason[0] = str(getattr(error, "reason", error)) or type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return reason[0] or None


def download(repo: str, revision: str, patterns: Sequence[str]) -> Path:
    """Fetch the files that match, into the hub's cache, and return their folder."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))
