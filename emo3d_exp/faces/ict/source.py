"""The toolkit's files, from a checkout or straight from an archive of one; nothing is unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from emo3d_exp.errors import DataError
from emo3d_exp.faces.ict.topology import EXPRESSIONS, FOLDER, IDENTITIES, NEUTRAL, identity_name

FILE_LIMIT = 64 << 20
"""Bytes of one file; the toolkit's meshes have about 2.6 MB."""

TOTAL_LIMIT = 2 << 30
MEMBER_LIMIT = 20_000

_CORRUPT = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError,
            RuntimeError, NotImplementedError)  # fmt: skip
"""The last two are zipfile's, for a member that is encrypted or packed in a way it does not know."""


def wanted_files() -> frozenset[str]:
    """Names of the meshes that a rig is made of, with every identity that the public model has."""
    identities = (identity_name(index) for index in range(IDENTITIES))
    return frozenset(f"{stem}.obj" for stem in (NEUTRAL, *EXPRESSIONS, *identities))


def model_folder(path: Path) -> Path:
    """The folder of meshes in a checkout, given as itself or as its parent. Raises DataError."""
    for folder in (path, path / FOLDER, path / "ICT-FaceKit" / FOLDER):
        if (folder / f"{NEUTRAL}.obj").is_file():
            return folder
    raise DataError(f"{path}: no {FOLDER}/{NEUTRAL}.obj in it; give a checkout or an archive of ICT-FaceKit")


def read_meshes(path: Path) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of every wanted mesh in a checkout or an archive (tar or zip), in any order.

    Raises:
        DataError: no such checkout, or an archive that is damaged, too large, or holds links or paths that
            lead elsewhere.
    """
    if path.is_dir():
        yield from _from_folder(model_folder(path))
        return
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder; give a checkout or an archive of ICT-FaceKit")
    reader = _from_zip if zipfile.is_zipfile(path) else _from_tar
    try:
        yield from reader(path)
    except _CORRUPT as error:
        raise DataError(f"{path}: not a readable archive of ICT-FaceKit ({error})") from error


def source_hash(path: Path) -> str:
    """64 hex digits of the archive's bytes, or of the checkout's meshes. Raises DataError."""
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for name, data in sorted(_from_folder(model_folder(path))):
                digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
        else:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in sorted(wanted_files()):
        file = folder / name
        if file.is_file():
            _check_size(file, name, file.stat().st_size)
            yield name, file.read_bytes()


def _from_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, "r|*") as archive:
        total = 0
        for number, member in enumerate(archive):
            total += member.size
            if number >= MEMBER_LIMIT or total > TOTAL_LIMIT:
                raise DataError(f"{path}: too large for an archive of ICT-FaceKit, not read further")
            name = _wanted(path, member.name)
            if name is None or member.isdir():
                continue
            if not member.isreg():
                raise DataError(f"{path}: {member.name} is a link or device, not a file")
            _check_size(path, member.name, member.size)
            content = archive.extractfile(member)
            yield name, content.read() if content else b""


def _from_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MEMBER_LIMIT or sum(member.file_size for member in members) > TOTAL_LIMIT:
            raise DataError(f"{path}: too large for an archive of ICT-FaceKit")
        for member in members:
            name = _wanted(path, member.filename)
            if name is None or member.is_dir():
                continue
            _check_size(path, member.filename, member.file_size)
            with archive.open(member) as file:
                # The directory's size may lie.
                data = io.BytesIO(file.read(FILE_LIMIT + 1)).getvalue()
            _check_size(path, member.filename, len(data))
            yield name, data


def _wanted(path: Path, member: str) -> str | None:
    """Base name of a wanted mesh, or None. Raises DataError for a path that leaves the archive."""
    inside = PurePosixPath(member)
    if inside.is_absolute() or ".." in inside.parts or "\\" in member:
        raise DataError(f"{path}: refuses the path '{member[:80]}', which leads out of the archive")
    return inside.name if inside.parent.name == FOLDER and inside.name in wanted_files() else None


def _check_size(path: Path, name: str, size: int) -> None:
    if size > FILE_LIMIT:
        raise DataError(f"{path}: {name} has {size} bytes, more than any mesh of ICT-FaceKit")
