"""The public repository's files, fetched once: pinned, resumable, checked.

``files.json`` pins a commit and gives each file's bytes and SHA-256. They were taken from a copy of the
light model; those of the neutral and the expressions agree with a published list of that commit's hashes.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from dataclasses import dataclass
from functools import partial
from importlib.resources import files as resources
from pathlib import Path

from emo3d_exp.errors import WeightsUnavailableError
from emo3d_exp.faces.ict.topology import FOLDER
from emo3d_exp.runs import cache_root
from emo3d_exp.runs.downloads import fetch_file, sha256_of
from emo3d_exp.runs.network import why_unreachable

CURE = (
    "Give a checkout or an archive of ICT-FaceKit: rig=ict_facekit rig.path=<folder, .tar.xz or .zip>; "
    "or work offline with rig=builtin"
)


@dataclass(frozen=True)
class Manifest:
    """Where the files are: ``address`` of their folder, and name → (bytes, SHA-256)."""

    address: str
    files: dict[str, tuple[int, str]]

    @property
    def hash(self) -> str:
        """64 hex digits of what the files hold."""
        listed = "".join(f"{name} {self.files[name][1]}\n" for name in sorted(self.files))
        return hashlib.sha256(listed.encode()).hexdigest()


def public_manifest() -> Manifest:
    """The pinned files of the light model: the neutral, all expressions, the first 8 identities."""
    content = json.loads(resources("emo3d_exp.faces.ict").joinpath("files.json").read_text())
    return Manifest(content["address"], {name: tuple(facts) for name, facts in content["files"].items()})


def fetch(manifest: Manifest) -> Path:
    """A checkout in the cache folder with all files of ``manifest``, downloaded if need be.

    Raises:
        WeightsUnavailableError: a file is neither in the cache nor to be had (found out within 5 s), or is
            not the one that was pinned.
    """
    from filelock import FileLock

    checkout = cache_root() / "downloads" / f"ict_facekit-{manifest.hash[:16]}"
    folder = checkout / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(checkout / ".lock"):
        missing = [
            name for name in sorted(manifest.files) if not _whole(folder / name, *manifest.files[name])
        ]
        if missing:
            address = f"{manifest.address}/{missing[0]}"
            if reason := why_unreachable(address):
                raise _unavailable(missing[0], address, reason, len(missing))
            _download(manifest, missing, folder)
    return checkout


def _whole(file: Path, size: int, sha256: str) -> bool:
    """Whether the file is the one that was pinned; asked once a conversion, whose result is kept."""
    return file.is_file() and file.stat().st_size == size and sha256_of(file) == sha256


def _download(manifest: Manifest, names: list[str], folder: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("Fetching ICT-FaceKit"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=sum(manifest.files[name][0] for name in names))
        for name in names:
            address = f"{manifest.address}/{name}"
            try:
                fetch_file(address, folder / name, *manifest.files[name], partial(progress.advance, task))
            except (OSError, http.client.HTTPException) as error:  # urllib's own errors are OSErrors
                reason = str(getattr(error, "reason", error)) or type(error).__name__
                raise _unavailable(name, address, reason, 1) from error


def _unavailable(name: str, address: str, reason: str, missing: int) -> WeightsUnavailableError:
    more = f" (and {missing - 1} more files)" if missing > 1 else ""
    return WeightsUnavailableError(
        f"rig ict_facekit: {FOLDER}/{name}{more} is not on this machine and {address} cannot be fetched "
        f"({reason}). {CURE}."
    )
