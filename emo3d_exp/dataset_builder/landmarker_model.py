"""MediaPipe's face landmarker model: a file that is given, or the official one, fetched once."""

from __future__ import annotations

import http.client
import logging
from pathlib import Path

from emo3d_exp.errors import ConfigError, WeightsUnavailableError
from emo3d_exp.runs import cache_root
from emo3d_exp.runs.downloads import fetch_file, sha256_of

log = logging.getLogger(__name__)

NAME = "face_landmarker.task"
ADDRESS = "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/" + NAME
SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
SIZE = 3_758_596


def model_hash(path: str | Path | None) -> str:
    """SHA-256 of a model file, 64 hex digits; of the official one for None, which need not be there yet.

    Raises:
        ConfigError: there is no such file.
    """
    if path is None:
        return SHA256
    return sha256_of(_given(path))


def landmarker_model(path: str | Path | None = None, address: str = ADDRESS) -> Path:
    """The model file: the given one, else the official one from the cache folder, fetched there if need be.
    A fetch that was interrupted goes on where it stopped; one process fetches while others wait.

    Raises:
        ConfigError: there is no such file.
        WeightsUnavailableError: it cannot be fetched, or what came is another file.
    """
    if path is not None:
        return _given(path)
    from filelock import FileLock

    target = cache_root() / "downloads" / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file():
        with FileLock(target.with_name(f"{NAME}.lock")):
            if not target.is_file():
                _fetch(address, target)
    return target


def _given(path: str | Path) -> Path:
    file = Path(path).expanduser()
    if not file.is_file():
        raise ConfigError(
            f"no face landmarker at '{path}': give the path of {NAME}, builder.blendshapes.model_path=…, or "
            "null to fetch it"
        )
    return file


def _fetch(address: str, target: Path) -> None:
    from emo3d_exp.runs.network import why_unreachable

    reason = why_unreachable(address)
    if reason is None:
        log.info("fetching %s", address)
        try:
            fetch_file(address, target, SIZE, SHA256)
            return
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise WeightsUnavailableError(
        f"{target} is not there, and {address} cannot be fetched ({reason}). Fetch it elsewhere and give "
        "builder.blendshapes.model_path=<file>; or stay offline with builder/images=rendered "
        "builder/blendshapes=prior"
    )
