"""Unpacks zip archives that come from elsewhere: nothing outside the folder, and all of it or nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emo3d_exp.data.member_names import MemberNames
from emo3d_exp.errors import DataError
from emo3d_exp.runs import cache_root

_CHUNK = 1 << 20
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others' decompressors cannot be told how much they may return at once."""
_FILE_KINDS = {0o120000: "link", 0o020000: "device", 0o060000: "device", 0o010000: "pipe", 0o140000: "socket"}
_DIRECTORY, _KIND_MASK = 0o040000, 0o170000


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may grow to.

    Attributes:
        members: files and folders. total_bytes: of all files. member_bytes: of one file.
        ratio: unpacked over packed size, of a file above 1 MiB.
    """

    members: int = 1_000_000
    total_bytes: int = 256 << 30
    member_bytes: int = 1 << 30
    ratio: float = 200.0


class _Refused(Exception):
    def __init__(self, member: str, reason: str) -> None:
        self.member, self.reason = member, reason


def unpack(archive: Path | str, folder: Path | str, limits: UnpackLimits | None = None) -> Path:
    """Unpack a zip archive into a new folder.

    Everything is checked by the archive's directory first, then again on the bytes as they come. They are
    written beside the folder, which gets its name when all is there and whole.

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
    with _told(archive), _beside(folder) as partial, zipfile.ZipFile(archive) as opened:
        members = _checked(opened, limits or UnpackLimits(), (partial, folder))
        for info, path in members:
            _write(opened, info, partial / path)
        os.rename(partial, folder)
    return folder


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Say what is wrong in one line that names the archive, and its member where one is to blame."""
    cure = "nothing was unpacked; fetch the archive again, or leave it out"
    try:
        yield
    except _Refused as refused:
        raise DataError(f"{archive}, member {refused.member!r}: {refused.reason}; {cure}") from refused
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot unpack {archive}: {error}; {cure}") from error


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


def _checked(
    opened: zipfile.ZipFile, limits: UnpackLimits, targets: tuple[Path, ...]
) -> list[tuple[zipfile.ZipInfo, str]]:
    """The members with their paths, by what the archive's directory says of them."""
    infos = opened.infolist()
    if len(infos) > limits.members:
        raise _Refused(infos[limits.members].filename, f"more than {limits.members} members")
    names = MemberNames(max(len(os.fsencode(target)) for target in targets))
    checked, total = [], 0
    for info in infos:
        try:
            path = names.add(info.orig_filename, info.is_dir())
        except ValueError as error:
            raise _Refused(info.orig_filename, str(error)) from error
        total += info.file_size
        if reason := _forbidden(info, limits) or (
            f"all files together have more than {limits.total_bytes} bytes" * (total > limits.total_bytes)
        ):
            raise _Refused(info.filename, reason)
        checked.append((info, path))
    return checked


def _forbidden(info: zipfile.ZipInfo, limits: UnpackLimits) -> str:
    """Why a member cannot be unpacked, empty where it can."""
    kind = (info.external_attr >> 16) & _KIND_MASK
    if kind in _FILE_KINDS:
        return f"is a {_FILE_KINDS[kind]}"
    if kind == _DIRECTORY and not info.is_dir():
        return "is called a folder, and is none by its name"
    if info.is_dir() and info.file_size:
        return "is a folder with content"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return f"is packed by method {info.compress_type}; only stored and deflated ones are unpacked"
    if info.file_size > limits.member_bytes:
        return f"has {info.file_size} bytes, more than {limits.member_bytes}"
    if info.file_size > _CHUNK and info.file_size > limits.ratio * info.compress_size:
        return f"would grow from {info.compress_size} to {info.file_size} bytes (at most {limits.ratio:g} ×)"
    return ""


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
    if info.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with opened.open(info) as source, path.open("xb") as target:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > info.file_size:
                    break
                target.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _Refused(info.filename, f"is damaged ({error or 'it ends too early'})") from error
    if written != info.file_size:
        raise _Refused(
            info.filename, f"has {written} bytes or more, not the {info.file_size} it is said to have"
        )
