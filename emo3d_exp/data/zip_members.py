"""Writes the members of a zip archive, checked by the archive's directory and again as their bytes come."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from emo3d_exp.data.member_names import MemberNames
from emo3d_exp.data.unpack_limits import CHUNK, RefusedMember, UnpackLimits

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others' decompressors cannot be told how much they may return at once."""
_FILE_KINDS = {0o120000: "link", 0o020000: "device", 0o060000: "device", 0o010000: "pipe", 0o140000: "socket"}
_DIRECTORY, _KIND_MASK = 0o040000, 0o170000


def write_zip(archive: Path, folder: Path, limits: UnpackLimits, prefix: int) -> None:
    """Write all members into an empty folder.

    Args:
        prefix: bytes of the path of the folder in which they will lie.

    Raises:
        RefusedMember: a member is unsafe, damaged or too large.
        zipfile.BadZipFile, OSError, ValueError, NotImplementedError: the archive as a whole cannot be read.
    """
    with zipfile.ZipFile(archive) as opened:
        for info, path in _checked(opened, limits, prefix):
            _write(opened, info, folder / path)


def _checked(opened: zipfile.ZipFile, limits: UnpackLimits, prefix: int) -> list[tuple[zipfile.ZipInfo, str]]:
    """The members with their paths, by what the archive's directory says of them."""
    infos = opened.infolist()
    if len(infos) > limits.members:
        raise RefusedMember(infos[limits.members].filename, f"more than {limits.members} members")
    names = MemberNames(prefix)
    checked, total = [], 0
    for info in infos:
        try:
            path = names.add(info.orig_filename, info.is_dir())
        except ValueError as error:
            raise RefusedMember(info.orig_filename, str(error)) from error
        total += info.file_size
        if reason := _forbidden(info, limits) or (
            f"all files together have more than {limits.total_bytes} bytes" * (total > limits.total_bytes)
        ):
            raise RefusedMember(info.filename, reason)
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
    if info.file_size > CHUNK and info.file_size > limits.ratio * info.compress_size:
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
            while chunk := source.read(CHUNK):
                written += len(chunk)
                if written > info.file_size:
                    break
                target.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise RefusedMember(info.filename, f"is damaged ({error or 'it ends too early'})") from error
    if written != info.file_size:
        raise RefusedMember(
            info.filename, f"has {written} bytes or more, not the {info.file_size} it is said to have"
        )
