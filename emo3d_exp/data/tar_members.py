"""Writes the members of a tar archive as they come, each checked by its header first."""

from __future__ import annotations

import tarfile
from pathlib import Path

from emo3d_exp.data.member_names import MemberNames
from emo3d_exp.data.tar_streams import TarStream, tar_stream
from emo3d_exp.data.unpack_limits import CHUNK, RefusedMember, UnpackLimits

_FORBIDDEN = {
    tarfile.SYMTYPE: "is a link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
}


def write_tar(archive: Path, folder: Path, limits: UnpackLimits, prefix: int) -> None:
    """Write all members into an empty folder.

    Args:
        prefix: bytes of the path of the folder in which they will lie.

    Raises:
        RefusedMember: a member is unsafe, damaged or too large.
        tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError: the archive as a whole
            cannot be read.
    """
    with tar_stream(archive, limits) as stream:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictHeader) as opened:  # type: ignore[call-overload]
            _write_members(opened, stream, folder, limits, MemberNames(prefix))
        stream.read_to_end()


class _StrictHeader(tarfile.TarInfo):
    """A header; tarfile would take a damaged or absent one for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise RefusedMember(
                "", f"is damaged or no tar archive, or it ends too early ({error})"
            ) from error


def _write_members(
    opened: tarfile.TarFile, stream: TarStream, folder: Path, limits: UnpackLimits, names: MemberNames
) -> None:
    count = total = 0
    while (info := opened.next()) is not None:
        opened.members = []  # type: ignore[attr-defined] # it keeps all it has seen
        count, total = count + 1, total + max(info.size, 0)
        if count > limits.members:
            raise RefusedMember(info.name, f"more than {limits.members} members")
        if reason := _forbidden(info, limits):
            raise RefusedMember(info.name, reason)
        if total > limits.total_bytes:
            raise RefusedMember(info.name, f"all files together have more than {limits.total_bytes} bytes")
        if info.isdir() and info.name.rstrip("/") in (".", ""):
            continue  # the folder itself, as tar -C FOLDER . writes it
        try:
            path = folder / names.add(info.name, info.isdir())
        except ValueError as error:
            raise RefusedMember(info.name, str(error)) from error
        stream.expect_header(header=False)
        _write(opened, info, path)
        stream.expect_header(header=True)


def _forbidden(info: tarfile.TarInfo, limits: UnpackLimits) -> str:
    """Why a member cannot be unpacked, empty where it can."""
    if info.type in _FORBIDDEN:
        return _FORBIDDEN[info.type]
    if info.issparse():
        return "is a sparse file"
    if not (info.isreg() or info.isdir()):
        return f"is of the unknown kind {info.type!r}"
    if info.size < 0:
        return f"has {info.size} bytes"
    if info.isdir() and info.size:
        return "is a folder with content"
    if info.size > limits.member_bytes:
        return f"has {info.size} bytes, more than {limits.member_bytes}"
    return ""


def _write(opened: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> None:
    if info.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source = opened.extractfile(info)
    assert source is not None, "a regular file has content"
    written = 0
    try:
        with source, path.open("xb") as target:
            while chunk := source.read(min(CHUNK, info.size - written)):
                written += len(chunk)
                target.write(chunk)
    except (tarfile.TarError, EOFError) as error:
        raise RefusedMember(info.name, f"is damaged ({error or 'it ends too early'})") from error
    if written != info.size:
        raise RefusedMember(info.name, f"has {written} bytes, not the {info.size} it is said to have")
