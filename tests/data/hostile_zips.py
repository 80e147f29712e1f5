"""Archives that mean harm, or are broken: each a name, what makes it, the member and the reason it names."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable

Maker = Callable[[], bytes]


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("good.jpeg", b"a good picture")
        for name, content in members:
            archive.writestr(name, content, method)
    return stream.getvalue()


def named(name: str, **changes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name  # as it is, without what the constructor does to it
    for field, value in changes.items():
        setattr(info, field, value)
    return info


def of_kind(kind: int) -> Maker:
    return lambda: packed((named("evil", external_attr=(kind | 0o777) << 16), b"/etc/passwd"))


def encrypted() -> bytes:
    """The flag in both headers of the last member."""
    content = bytearray(packed(("secret.jpeg", b"0123456789abcdef")))
    local, central = content.rindex(b"PK\x03\x04"), content.rindex(b"PK\x01\x02")
    content[local + 6] |= 1
    content[central + 8] |= 1
    return bytes(content)


def lying_size(size: int, content: bytes) -> bytes:
    """The directory and the local header say another size than the member unpacks to."""
    data = bytearray(packed(("liar.jpeg", content)))
    local, central = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, local + 22, size)
    struct.pack_into("<I", data, central + 24, size)
    return bytes(data)


def wrong_bytes() -> bytes:
    data = bytearray(packed(("broken.jpeg", b"picture" * 40), method=zipfile.ZIP_STORED))
    data[data.rindex(b"picture")] ^= 0xFF
    return bytes(data)


def lying_name() -> bytes:
    """A harmless name in the directory, another before the content."""
    data = bytearray(packed(("inner_name", b"content")))
    place = data.index(b"inner_name")
    data[place : place + 10] = b"../../evil"
    return bytes(data)


HOSTILE: dict[str, tuple[Maker, str, str]] = {
    "path escape": (lambda: packed(("../evil.jpeg", b"x")), "../evil.jpeg", "leaves the folder"),
    "deep escape": (lambda: packed(("a/b/../../../evil", b"x")), "a/b/../../../evil", "leaves the folder"),
    "escape with backslashes": (lambda: packed((named("..\\..\\evil"), b"x")), "evil", "leaves the folder"),
    "absolute path": (lambda: packed((named("/evil.jpeg"), b"x")), "/evil.jpeg", "leaves the folder"),
    "drive letter": (lambda: packed((named("C:\\evil.jpeg"), b"x")), "evil.jpeg", "leaves the folder"),
    "network share": (lambda: packed((named("//server/evil"), b"x")), "//server/evil", "leaves the folder"),
    "symbolic link": (of_kind(stat.S_IFLNK), "evil", "is a link"),
    "device": (of_kind(stat.S_IFCHR), "evil", "is a device"),
    "block device": (of_kind(stat.S_IFBLK), "evil", "is a device"),
    "named pipe": (of_kind(stat.S_IFIFO), "evil", "is a pipe"),
    "encrypted": (encrypted, "secret.jpeg", "encrypted"),
    "bomb": (lambda: packed(("bomb.jpeg", bytes(4 << 20))), "bomb.jpeg", "would grow"),
    "large member": (lambda: packed(("huge", bytes(9 << 20)), method=0), "huge", "more than 8388608"),
    "large together": (
        lambda: packed(*((f"{n}.jpeg", bytes(3 << 20)) for n in range(6)), method=0),
        "5.jpeg",
        "all files together",
    ),
    "too many members": (lambda: packed(*((f"{n}", b"") for n in range(60))), "49", "more than 50 members"),
    "more bytes than it says": (lambda: lying_size(10, b"y" * 5000), "liar.jpeg", "damaged|not the 10"),
    "fewer bytes than it says": (lambda: lying_size(6000, b"y" * 5000), "liar.jpeg", "damaged|not the 6000"),
    "wrong checksum": (wrong_bytes, "broken.jpeg", "damaged"),
    "truncated": (lambda: packed(("a", b"x" * 500), method=0)[:-300], "", "zip file"),
    "cut in the middle": (
        lambda: packed(("a", b"x" * 5000), method=0)[4000:],
        "",
        "magic number|damaged|zip",
    ),
    "empty file": (lambda: b"", "", "zip file"),
    "no archive": (lambda: b"<html>not found</html>", "", "zip file"),
    "two of one name": (lambda: packed(("a.jpeg", b"1"), ("a.jpeg", b"2")), "a.jpeg", "same name"),
    "case clash": (lambda: packed(("A.jpeg", b"1"), ("a.JPEG", b"2")), "a.JPEG", "same name"),
    "composed letters clash": (lambda: packed(("é", b"1"), ("é", b"2")), "é", "same name"),
    "file that is a folder": (lambda: packed(("a", b"1"), ("a/b.jpeg", b"2")), "a/b.jpeg", "which is a file"),
    "folder that is a file": (lambda: packed(("a/b.jpeg", b"1"), ("a", b"2")), "a", "same name"),
    "long name": (lambda: packed(("n" * 300, b"x")), "n" * 300, "more than 255 bytes"),
    "long path": (lambda: packed(("/".join(["d" * 200] * 30), b"x")), "d/d", "more than 4095 bytes"),
    "control characters": (lambda: packed((named("evil\n.jpeg"), b"x")), "evil", "control characters"),
    "other method": (
        lambda: packed(("b.jpeg", b"x" * 99), method=zipfile.ZIP_BZIP2),
        "good.jpeg",
        "method 12",
    ),
    "another name inside": (lying_name, "", "differ|damaged"),
}
