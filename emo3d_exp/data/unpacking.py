"""Unpacks archives that come from elsewhere: nothing outside the folder, and all of it or nothing."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emo3d_exp.data.tar_members import write_tar
from emo3d_exp.data.unpack_limits import RefusedMember, UnpackLimits
from emo3d_exp.data.zip_members import write_zip
from emo3d_exp.errors import DataError
from emo3d_exp.runs import cache_root

__all__ = ["UnpackLimits", "unpack"]

_TAR = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2?|txz)$", re.IGNORECASE)
_FAULTS = (
    OSError, ValueError, NotImplementedError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


def unpack(archive: Path | str, folder: Path | str, limits: UnpackLimits | None = None) -> Path:
    """Unpack a zip or tar archive (``.tar``, ``.tar.gz``, ``.tar.bz2``, ``.tar.xz``) into a new folder.

    Members are checked before anything of them is written: those of a zip archive all together by its
    directory, those of a tar archive as they come; the bytes again as they come. They are written beside the
    folder, which gets its name when all is there and whole. Permissions, owners and times are not taken over.

    Args:
        folder: must not exist yet.

    Returns:
        ``folder``.

    Raises:
        DataError: the folder exists, or the archive is damaged, encrypted, too large, or holds a name that
            leaves the folder, a link, a device, or two members of one name (file systems that ignore case
            included). It names archive and member; nothing is left behind.
    """
    archive, folder = Path(archive), Path(folder)
    if os.path.lexists(folder):
        raise DataError(f"{folder} exists already; remove it to unpack {archive} again")
    write = write_tar if _TAR.search(archive.name) else write_zip
    with _told(archive), _beside(folder) as partial:
        prefix = max(len(os.fsencode(target)) for target in (partial, folder))
        write(archive, partial, limits or UnpackLimits(), prefix)
        os.rename(partial, folder)
    return folder


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Say what is wrong in one line that names the archive, and its member where one is to blame."""
    cure = "nothing was unpacked; fetch the archive again, or leave it out"
    try:
        yield
    except RefusedMember as refused:
        place = f", member {refused.member!r}" if refused.member else ""
        raise DataError(f"{archive}{place}: {refused.reason}; {cure}") from refused
    except _FAULTS as error:
        raise DataError(f"cannot unpack {archive}: {error or 'it ends too early'}; {cure}") from error


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside, for one process at a time; removed unless it was renamed."""
    from filelock import FileLock

    place = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:24]
    lock = cache_root() / "locks" / f"unpack-{place}.lock"  # not beside: nothing may stay there
    for parent in (lock.parent, folder.parent):
        parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    with FileLock(lock):
        if os.path.lexists(partial):
            shutil.rmtree(partial)  # a killed process left it
        partial.mkdir()
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)
