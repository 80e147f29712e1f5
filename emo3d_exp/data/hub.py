"""Fetches the published files from the Hugging Face hub, or says quickly that it cannot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from emo3d_exp.backbones.hub import address, offline_variable, why_unreachable
from emo3d_exp.errors import ConfigError, DataError

log = logging.getLogger(__name__)

REPOSITORY = "llm-lab/Emo3D"
TABLES = ("data/train_data.csv", "data/val_data.csv", "data/test_data.csv")
PARTS = (
    *(f"{emotion}_images" for emotion in ("anger", "contempt", "disgust", "fear", "sadness")),
    *(f"prompt1_images_{start}_{start + 1000}" for start in range(0, 7000, 1000)),
    "prompt1_images_7000_9000",
    "prompt1_images_9000_10000",
    *(f"prompt2_images_{start}_{start + 1000}" for start in range(0, 6000, 1000)),
)
"""Stems of the published image archives ``data/<part>.zip``."""


def wanted_files(parts: Sequence[str] | str) -> list[str]:
    """Names in the repository of the three tables and the chosen image archives.

    Args:
        parts: ``"all"``, or stems from :data:`PARTS`; an empty list fetches the tables alone.

    Raises:
        ConfigError: a part does not exist.
    """
    chosen = list(PARTS) if parts == "all" else [parts] if isinstance(parts, str) else list(parts)
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        raise ConfigError(
            f"data.parts (for source=emo3d: emo3d.parts): no image archive {unknown}; choose all, or from "
            f"{', '.join(PARTS)}"
        )
    return [*TABLES, *(f"data/{part}.zip" for part in chosen)]


def fetch(parts: Sequence[str] | str = "all", repository: str = REPOSITORY) -> Path:
    """Folder that holds the published files, downloaded once into the hub's cache.

    Raises:
        DataError: some files are neither in the cache nor reachable (within 5 seconds).
    """
    files = wanted_files(parts)
    missing = [file for file in files if _cached(repository, file) is None]
    if missing:
        _require_hub(repository, missing)
        log.info("fetching %d files of %s: %s", len(missing), repository, ", ".join(missing))
    paths = [_cached(repository, file) or _download(repository, file) for file in files]
    # All files of one revision lie in one snapshot folder; an update between two runs can part them.
    roots = {path.parent.parent for path in paths}
    if len(roots) > 1:
        paths = [_download(repository, file) for file in files]
    return paths[0].parent.parent


def snapshot_revision(folder: Path) -> str | None:
    """The commit of the hub that a folder of its cache holds; None for any other folder."""
    name = folder.name
    in_cache = folder.parent.name == "snapshots" and folder.parents[1].name.startswith("datasets--")
    return name if in_cache and len(name) == 40 and set(name) <= set("0123456789abcdef") else None


def _cached(repository: str, file: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file, repo_type="dataset")
    return Path(found) if isinstance(found, str) else None


def _download(repository: str, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, file, repo_type="dataset"))
    except Exception as error:  # the hub's client raises many kinds; each ends here for the user
        raise DataError(_advice(repository, [file], f"{type(error).__name__}: {error}")) from error


def _require_hub(repository: str, files: Sequence[str]) -> None:
    variable = offline_variable()
    problem = f"{variable} is set" if variable else why_unreachable(_address(repository, files[0]))
    if problem:
        raise DataError(_advice(repository, files, problem))


def _address(repository: str, file: str) -> str:
    return address(f"datasets/{repository}", "main", file)


def _advice(repository: str, files: Sequence[str], problem: str) -> str:
    listed = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    return (
        f"the Emo3D data is not on this machine and cannot be fetched ({problem}).\n"
        f"  missing: {listed}\n"
        f"  from:    https://huggingface.co/datasets/{repository}\n"
        "  cure:    data.root=<folder with these files> (for source=emo3d: emo3d.root=…); or connect to the "
        "internet; or work offline with data=mini"
    )
