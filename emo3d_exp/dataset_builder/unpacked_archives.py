"""Unpacked archives of a data set, each kept as long as the archive is the one that it was unpacked from."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from emo3d_exp.data.unpacking import UnpackLimits, unpack
from emo3d_exp.dataset_builder.store import RowStore

log = logging.getLogger(__name__)

PICTURES = "pictures"
"""Folder of unpacked archives in the folder that is built."""
UNPACKED = "unpacked"
"""In the table's manifest: by the name of an unpacked folder, what the archive held that it came from."""


def unpacked(archives: Sequence[Path], store: RowStore, limits: UnpackLimits) -> dict[str, Path]:
    """Unpack zip archives into the build's folder ``pictures``.

    What is unpacked stays, unless the archive holds something else by now, or nothing is known of where it
    came from: it is then unpacked again.

    Args:
        store: of the table, with a manifest, which is to tell what was unpacked.

    Returns:
        Folders of the unpacked archives, by the archive's path.

    Raises:
        DataError: an archive is unsafe or damaged.
    """
    manifest = store.manifest() or {}
    known: dict[str, str] = manifest.setdefault(UNPACKED, {})
    folders = {}
    for archive in archives:
        target, contents = store.build / PICTURES / archive.stem, contents_of(archive)
        if not target.is_dir() or known.get(archive.stem) != contents:
            if target.is_dir():
                log.warning("%s is not what %s holds now, and is replaced", target, archive.name)
                shutil.rmtree(target)
            log.info("unpacking %s", archive.name)
            unpack(archive, target, limits)
            known[archive.stem] = contents
            store.write_manifest(manifest)
        folders[str(archive)] = target
    return folders


def contents_of(archive: Path) -> str:
    """16 hex digits of the members of a zip archive: their names, sizes and checksums as its directory tells
    them."""
    with zipfile.ZipFile(archive) as opened:
        members = [(each.filename, each.file_size, each.CRC) for each in opened.infolist()]
    return hashlib.sha256(json.dumps(sorted(members)).encode()).hexdigest()[:16]
