"""Finds the images that a table names: in unpacked folders, or in zip archives without unpacking them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from emo3d_exp.errors import DataError
from emo3d_exp.records import ImageRef

ARCHIVE_PATTERN = "*_images*.zip"
_DRIVE = re.compile(r"^[A-Za-z]:")


def safe_name(name: str) -> str:
    """A relative path with forward slashes.

    Raises:
        ValueError: the name is absolute, or climbs out of its folder.
    """
    path = PurePosixPath(name.strip().replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(str(path)) or "\0" in name:
        raise ValueError(f"unsafe image path {name!r}: it leaves the data folder")
    return str(path)


class ImageFinder:
    """Looks names such as ``prompt1_images_0_1000/0_0.jpeg`` up under some folders.

    A name may lie unpacked under any of the folders, or in an archive ``*_images*.zip`` there: under the
    same path, below further folders, or without its first folder when that is the archive's own name.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
        found = (archive for folder in self.folders for archive in sorted(folder.glob(ARCHIVE_PATTERN)))
        self.archives = list(dict.fromkeys(found))
        self._members: dict[str, ImageRef] | None = None
        self._listings: dict[Path, dict[str, ImageRef]] = {}

    def find(self, name: str) -> ImageRef | None:
        """The reference of a safe name, None where there is no such image.

        Raises:
            DataError: an archive is damaged.
        """
        path = PurePosixPath(name)
        for folder in self.folders:
            ref = self._listing(folder / path.parent).get(path.name)
            if ref is not None:
                return ref
        if self._members is None:
            self._members = {}
            for archive in self.archives:
                self._index(archive)
        return self._members.get(name)

    def count(self, archive: Path) -> int:
        """Pictures in an archive. Raises DataError where it is damaged."""
        return len(_members(archive))

    def _listing(self, folder: Path) -> dict[str, ImageRef]:
        if folder not in self._listings:
            entries = folder.iterdir() if folder.is_dir() else ()
            self._listings[folder] = {file.name: _file_reference(file) for file in entries if file.is_file()}
        return self._listings[folder]

    def _index(self, archive: Path) -> None:
        members = _members(archive)
        for member in members:
            ref = ImageRef(
                location=f"{archive}!{member.filename}",
                key=f"{PurePosixPath(member.filename).name}:{member.file_size}:{member.CRC:08x}",
            )
            parts = PurePosixPath(member.filename).parts
            names = ["/".join(parts[start:]) for start in range(max(1, len(parts) - 1))]
            for name in [*names, f"{archive.stem}/{parts[-1]}"]:
                self._members.setdefault(name, ref)


def _members(archive: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return [member for member in opened.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read the image archive {archive}: {error}; fetch it again") from error


def _file_reference(file: Path) -> ImageRef:
    facts = file.stat()
    return ImageRef(location=str(file), key=f"{file.name}:{facts.st_size}:{facts.st_mtime_ns}")
