"""Tar archives that mean harm, or are broken: each an ending, what makes it, the member and the reason."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable

Maker = Callable[[], bytes]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, **changes: object) -> tuple:
    info = tarfile.TarInfo()
    info.name, info.type, info.size = name, kind, len(content)
    for field, value in changes.items():
        setattr(info, field, value)
    return info, content


def tarred(*members: tuple, form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, content in (member("good.jpeg", b"a good picture"), *members):
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def of_kind(kind: bytes, target: str = "/etc/passwd") -> Maker:
    return lambda: tarred(member("evil", b"", kind, linkname=target))


def write_through_link() -> bytes:
    """A link to a folder outside, then a file below it."""
    return tarred(member("way", b"", tarfile.SYMTYPE, linkname="../.."), member("way/evil.jpeg"))


def broken_header() -> bytes:
    """tarfile would take it for the end of the archive."""
    content = bytearray(tarred(member("broken.jpeg", b"y" * 600)))
    place = content.index(b"broken.jpeg")
    content[place : place + 6] = b"BROKEN"
    return bytes(content)


def without_end() -> bytes:
    """Cut where a member begins, which tarfile takes for the end too."""
    content = tarred(member("second.jpeg", b"y" * 600), form=tarfile.USTAR_FORMAT)
    return content[: content.index(b"second.jpeg")]


def wrong_checksum() -> bytes:
    packed = bytearray(gzip.compress(tarred(member("a.jpeg"))))
    packed[-6] ^= 0xFF
    return bytes(packed)


def sparse() -> bytes:
    """A file of a gigabyte that takes no place."""
    extra = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000000000", "GNU.sparse.name": "hole.jpeg"}
    return tarred(member("hole.jpeg", b"x", pax_headers=extra))


def greedy_xz() -> bytes:
    """It asks for a dictionary of 1.5 GiB."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 10}]
    packed = bytearray(lzma.compress(tarred(), lzma.FORMAT_XZ, filters=filters))
    place = packed.index(b"\x21\x01", 12)
    packed[place + 2] = 40  # 4 GiB less one byte
    header = (packed[12] + 1) * 4
    packed[12 + header - 4 : 12 + header] = zlib.crc32(packed[12 : 12 + header - 4]).to_bytes(4, "little")
    return bytes(packed)


BOMB = bytes(4 << 20)
HOSTILE: dict[str, tuple[str, Maker, str, str]] = {
    "path escape": (".tar", lambda: tarred(member("../evil.jpeg")), "../evil.jpeg", "leaves the folder"),
    "deep escape": (".tar.gz", lambda: tarred(member("a/../../e")), "a/../../e", "leaves the folder"),
    "backslashes": (".tar", lambda: tarred(member("..\\..\\evil")), "evil", "leaves the folder"),
    "absolute path": (".tar.xz", lambda: tarred(member("/evil.jpeg")), "/evil.jpeg", "leaves the folder"),
    "drive letter": (".tar", lambda: tarred(member("C:\\evil.jpeg")), "evil.jpeg", "leaves the folder"),
    "symbolic link": (".tar", of_kind(tarfile.SYMTYPE), "evil", "is a link"),
    "link inside": (".tar", of_kind(tarfile.SYMTYPE, "good.jpeg"), "evil", "is a link"),
    "hard link": (".tar.bz2", of_kind(tarfile.LNKTYPE, "good.jpeg"), "evil", "is a hard link"),
    "hard link outside": (".tar", of_kind(tarfile.LNKTYPE, "../../secret"), "evil", "is a hard link"),
    "through a link": (".tar", write_through_link, "way", "is a link"),
    "device": (".tar", of_kind(tarfile.CHRTYPE), "evil", "is a device"),
    "block device": (".tar", of_kind(tarfile.BLKTYPE), "evil", "is a device"),
    "named pipe": (".tar", of_kind(tarfile.FIFOTYPE), "evil", "is a pipe"),
    "unknown kind": (".tar", lambda: tarred(member("odd", b"", b"Z")), "odd", "kind|folder with"),
    "sparse file": (".tar", sparse, "hole.jpeg", "sparse"),
    "gz bomb": (".tar.gz", lambda: tarred(member("bomb.jpeg", BOMB)), "", "would grow"),
    "bz2 bomb": (".tar.bz2", lambda: tarred(member("bomb.jpeg", BOMB)), "", "would grow"),
    "xz bomb": (".tar.xz", lambda: tarred(member("bomb.jpeg", BOMB)), "", "would grow"),
    "bomb after the end": (".tar.gz", lambda: tarred() + BOMB, "", "would grow"),
    "header bomb": (
        ".tar",
        lambda: tarred(member("a", pax_headers={"comment": "c" * (2 << 20)})),
        "",
        "headers of a member",
    ),
    "greedy xz": (".tar.xz", greedy_xz, "", "[Mm]emory"),
    "large member": (".tar", lambda: tarred(member("huge", bytes(9 << 20))), "huge", "more than 8388608"),
    "large together": (
        ".tar",
        lambda: tarred(*(member(f"{n}.jpeg", bytes(3 << 20)) for n in range(6))),
        "5.jpeg",
        "all files together",
    ),
    "too many members": (".tar", lambda: tarred(*(member(f"{n}", b"") for n in range(60))), "49", "than 50"),
    "truncated content": (".tar", lambda: tarred(member("a.jpeg", b"x" * 5000))[:4000], "a.jpeg", "damaged"),
    "truncated header": (".tar", lambda: tarred()[:300], "", "damaged"),
    "without an end": (".tar", without_end, "", "ends too early"),
    "truncated gz": (".tar.gz", lambda: gzip.compress(tarred())[:-30], "", "damaged|ended before|too early"),
    "truncated bz2": (".tar.bz2", lambda: bz2.compress(tarred())[:-30], "", "damaged|ended before|too early"),
    "truncated xz": (".tar.xz", lambda: lzma.compress(tarred())[:-60], "", "damaged|too early"),
    "wrong checksum": (".tar.gz", wrong_checksum, "", "CRC"),
    "broken header": (".tar", broken_header, "", "damaged"),
    "empty file": (".tar", lambda: b"", "", "damaged or no tar"),
    "no archive": (".tar.gz", lambda: b"<html>not found</html>" * 50, "", "damaged or no tar"),
    "two of one name": (".tar", lambda: tarred(member("a.jpeg"), member("a.jpeg")), "a.jpeg", "same name"),
    "case clash": (".tar.gz", lambda: tarred(member("A.jpeg"), member("a.JPEG")), "a.JPEG", "same name"),
    "file that is a folder": (".tar", lambda: tarred(member("a"), member("a/b")), "a/b", "which is a file"),
    "folder with content": (
        ".tar",
        lambda: tarred(member("d", b"content", tarfile.DIRTYPE)),
        "d",
        "folder with content",
    ),
    "long name": (".tar", lambda: tarred(member("n" * 300)), "n" * 300, "more than 255 bytes"),
    "long path": (".tar", lambda: tarred(member("/".join(["d" * 200] * 30))), "d/d", "more than 4095 bytes"),
    "control characters": (".tar", lambda: tarred(member("evil\n.jpeg")), "evil", "control characters"),
}
READY = ("truncated gz", "truncated bz2", "truncated xz", "wrong checksum", "greedy xz", "no archive")
"""They are packed already."""


def hostile(case: str) -> tuple[str, bytes, str, str]:
    """Ending, content, member and reason."""
    ending, make, name, reason = HOSTILE[case]
    content = make()
    return ending, content if case in READY else PACKERS[ending](content), name, reason
