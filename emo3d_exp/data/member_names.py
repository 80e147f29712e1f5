"""Names of an archive's members that may become paths of files."""

from __future__ import annotations

import unicodedata

from emo3d_exp.data.archives import safe_name

NAME_BYTES, PATH_BYTES = 255, 4095
"""What the file systems of Linux and macOS take; Windows' limits are found out by writing."""


class MemberNames:
    """The names of one archive, none of which may be another's, also where case does not count.

    Args:
        prefix: bytes of the folder's own path.
    """

    def __init__(self, prefix: int = 0) -> None:
        self.prefix = prefix
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str, is_folder: bool) -> str:
        """The relative path of a further member.

        Raises:
            ValueError: with the reason, where it must not be written.
        """
        path = _path(name)
        if self.prefix + 1 + len(path.encode()) > PATH_BYTES:
            raise ValueError(f"its path has more than {PATH_BYTES} bytes")
        key = _key(path)
        if key in self._files or (not is_folder and key in self._folders):
            raise ValueError(f"has the same name as {(self._files | self._folders)[key]!r}")
        parents = key.split("/")
        for length in range(1, len(parents) + is_folder):
            parent = "/".join(parents[:length])
            if parent in self._files:
                raise ValueError(f"lies in {self._files[parent]!r}, which is a file")
            self._folders.setdefault(parent, name)
        if not is_folder:
            self._files[key] = name
        return path


def _path(name: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError("a name with control characters")
    if name != name.strip():
        raise ValueError("a name that begins or ends with a space")
    try:
        path = safe_name(name)
    except ValueError:
        raise ValueError("leaves the folder") from None
    if path in ("", "."):
        raise ValueError("has no name")
    for part in path.split("/"):
        if len(part.encode()) > NAME_BYTES:
            raise ValueError(f"a name of more than {NAME_BYTES} bytes")
    return path


def _key(path: str) -> str:
    """Equal for names that some file system takes for the same."""
    return "/".join(
        unicodedata.normalize("NFC", part).casefold().rstrip(" .") or part for part in path.split("/")
    )
