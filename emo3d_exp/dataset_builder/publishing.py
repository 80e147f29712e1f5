"""Pushes a table of ours to the Hugging Face hub, in the published layout and with a data card."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.data import load_table
from emo3d_exp.data.built_table import table_files
from emo3d_exp.dataset_builder.data_card import CardFacts, data_card
from emo3d_exp.dataset_builder.published_layout import write_back
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from huggingface_hub import HfApi

log = logging.getLogger(__name__)


def write_push_folder(
    path: Path | str, folder: Path | str, facts: CardFacts, parquet: bool | None = None
) -> Path:
    """The folder as it would be pushed: tables, archives, README.md.

    Args:
        path: as ``data.path`` of data=table. folder: new, or empty.
        parquet: one file in place of three; None: only where samples have no split.

    Raises:
        ConfigError: there is something in the folder, which would be pushed too, or no licence is given.
        DataError: as ``write_back``.
    """
    folder = Path(folder).expanduser()
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty, and all of it would be pushed; choose another folder")
    if not facts.licence or not facts.title:
        raise ConfigError(
            "a data set needs a licence and a title to be published: publish.licence=cc-by-4.0 "
            "publish.title=…"
        )
    corpus = load_table(path)
    if parquet is None:
        parquet = bool((corpus.published_split == "").any())
    write_back(path, folder, parquet)
    with write_atomically(folder / "README.md") as partial:
        partial.write_text(data_card(facts, corpus, table_files(path)[1], parquet), encoding="utf-8")
    return folder


def push_to_hub(
    path: Path | str,
    folder: Path | str,
    hub_id: str,
    facts: CardFacts,
    private: bool = True,
    dry: bool = False,
    parquet: bool | None = None,
) -> str | None:
    """Write the folder, and push it as a data set that is made where there is none.

    Args:
        hub_id: ``owner/name``. private: of a data set that is made. dry: write the folder and push nothing.

    Returns:
        The address of the commit; None for a dry run.

    Raises:
        ConfigError: no token of the hub is known, or as :func:`write_push_folder`.
        DataError: the hub refused, or cannot be reached; the folder stays.
    """
    from huggingface_hub import HfApi, get_token

    if hub_id.count("/") != 1 or not all(hub_id.split("/")):
        raise ConfigError(f"publish.hub_id={hub_id}: expected owner/name")
    token = None if dry else get_token()
    if not dry and token is None:
        raise ConfigError(
            "pushing needs a token of the Hugging Face hub that may write: set HF_TOKEN, or run hf auth "
            "login; publish.dry=true writes the folder alone"
        )
    written = write_push_folder(path, folder, facts, parquet)
    if dry:
        log.info("%s holds what would be pushed to %s; nothing was pushed", written, hub_id)
        return None
    return _pushed(HfApi(token=token), written, hub_id, private)


def _pushed(hub: HfApi, folder: Path, hub_id: str, private: bool) -> str:
    """The address of the commit that holds the folder."""
    try:
        hub.create_repo(hub_id, repo_type="dataset", private=private, exist_ok=True)
        commit = hub.upload_folder(
            repo_id=hub_id,
            folder_path=str(folder),
            repo_type="dataset",
            commit_message="Publish the data set",
        )
    except Exception as error:  # the hub's client raises many kinds; each ends here for the user
        raise DataError(
            f"{folder} could not be pushed to {hub_id}: {type(error).__name__}: {error}. The folder is "
            f"complete: hf upload {hub_id} {folder} --repo-type dataset pushes it by hand"
        ) from error
    return str(commit)
