"""The bytes of a packed tar archive, a few at a time, and no more of them than is allowed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from emo3d_exp.data.unpack_limits import CHUNK, RefusedMember, UnpackLimits

HEADER_BYTES = 1 << 20
"""Of all headers of one member; extended ones are otherwise as long as they say."""
XZ_MEMORY = 128 << 20
"""A stream may ask for a dictionary of 4 GiB; xz -9 asks for 64 MiB."""
_MAGIC = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open))


@contextmanager
def tar_stream(archive: Path, limits: UnpackLimits) -> Iterator[TarStream]:
    """The unpacked bytes of an archive; how it is packed is told by its first bytes."""
    with archive.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"\xfd7zXZ\0"):
            yield TarStream(io.BufferedReader(_Xz(file), CHUNK), file, limits)
            return
        for magic, opener in _MAGIC:
            if start.startswith(magic):
                with opener(file, "rb") as plain:
                    yield TarStream(plain, file, limits)  # type: ignore[arg-type]
                return
        yield TarStream(file, file, limits)


class TarStream:
    """What :mod:`tarfile` reads from.

    Args:
        plain: unpacked bytes. packed: the file, whose position says how many packed ones they took.
    """

    def __init__(self, plain: BinaryIO, packed: BinaryIO, limits: UnpackLimits) -> None:
        self._plain, self._packed, self._limits = plain, packed, limits
        self._count = 0
        self._header: int | None = HEADER_BYTES

    def expect_header(self, header: bool) -> None:
        """Whether what is read next are headers, which are short, or a member's content."""
        self._header = HEADER_BYTES if header else None

    def read(self, size: int) -> bytes:
        """Up to so many bytes.

        Raises:
            RefusedMember: headers, or all of it in proportion to what is packed, are too long.
        """
        found = self._plain.read(size)
        self._count += len(found)
        if self._header is not None:
            self._header -= len(found)
            if self._header < 0:
                raise RefusedMember("", f"the headers of a member have more than {HEADER_BYTES} bytes")
        packed, ratio = self._packed.tell(), self._limits.ratio
        if self._count > CHUNK and self._count > ratio * packed:
            raise RefusedMember("", f"would grow from {packed} to {self._count} bytes (at most {ratio:g} ×)")
        return found

    def read_to_end(self) -> None:
        """Read what follows the archive's end mark, with the checksum of what is packed."""
        self.expect_header(header=False)
        while self.read(CHUNK):
            pass


class _Xz(io.RawIOBase):
    """What ``lzma.open`` gives, with a limit on memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, b""
        self._stream: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while True:
            data = self._left
            if not data and (self._stream is None or self._stream.needs_input):
                data = self._file.read(CHUNK)
                if not data and self._stream is None:
                    return 0
                if not data:
                    raise EOFError("the packed data ends too early")
            if self._stream is None:
                data = data.lstrip(b"\0")  # padding between streams
                self._left = data
                if not data:
                    continue
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
            found, self._left = self._stream.decompress(data, len(view)), b""
            if self._stream.eof:
                self._left, self._stream = self._stream.unused_data, None
            if found:
                view[: len(found)] = found
                return len(found)
