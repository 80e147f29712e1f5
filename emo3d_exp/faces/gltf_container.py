"""The outside of a glTF file: .glb chunks or plain JSON, and the extensions it asks for."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NoReturn

from emo3d_exp.errors import DataError
from emo3d_exp.faces.gltf_entries import Entry

MAX_BYTES = 1 << 29
MAX_JSON = 100 << 20
"""No face needs more; a larger file is refused before it is read."""

DRACO = "KHR_draco_mesh_compression"
READABLE = {
    "KHR_mesh_quantization",
    "EXT_meshopt_compression",
    "KHR_meshopt_compression",
    "EXT_texture_webp",
    "KHR_animation_pointer",
    "KHR_xmp_json_ld",
    "VRM",
}
HARMLESS = ("KHR_materials_", "KHR_texture_", "KHR_lights_", "VRMC_")
"""Beginnings of extensions that change nothing, or nothing but looks."""

_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run 'git lfs pull'"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "gzipped; unpack it first"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"Kaydara FBX", "an FBX file; convert it to .glb, in Blender for one"),
    (b"BLENDER", "a Blender file; export it as .glb"),
)


class Container:
    """The JSON of a glTF file and the binary chunk beside it.

    Attributes:
        path: the file.
        root: the JSON.
        binary: the BIN chunk of a .glb; None without one.
    """

    def __init__(self, path: Path, root: Any, binary: bytes | None) -> None:
        self.path, self.binary = path, binary
        self.root = Entry(root, "the document", path)

    def item(self, kind: str, index: int) -> Entry:
        """Object ``index`` of a top-level list such as ``accessors``."""
        items = self.root.items(kind)
        if not 0 <= index < len(items):
            self.fail(f"refers to {kind}[{index}], of which there are {len(items)}")
        return Entry(items[index], f"{kind}[{index}]", self.path)

    def fail(self, problem: str) -> NoReturn:
        """Raise DataError that names the file."""
        raise DataError(f"{self.path} {problem}")


def open_container(path: Path) -> Container:
    """Read and check the outside of a file.

    Raises:
        DataError: no such file, not glTF (what it seems to be is said), damaged, or of a kind that
            cannot be read (glTF 1, Draco, other required extensions).
    """
    if not path.is_file():
        raise DataError(f"no such rig file: {path}")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES >> 20} MiB; a face is not")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if content.startswith(b"glTF"):
        text, binary = _split_chunks(content, path)
    else:
        text, binary = content.removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n\t"), None
        if not text.startswith(b"{"):
            raise DataError(f"{path} is not glTF: it {_what_it_seems(content)}")
    if len(text) > MAX_JSON:
        raise DataError(f"{path} has more than {MAX_JSON >> 20} MiB of JSON; save it as .glb")
    container = Container(path, _parse(text, path), binary)
    _check_version(container)
    return container


def _split_chunks(content: bytes, path: Path) -> tuple[bytes, bytes | None]:
    if len(content) < 20:
        raise DataError(f"{path} is damaged glTF: cut off after {len(content)} bytes; fetch it again")
    version, length = struct.unpack_from("<II", content, 4)
    if version != 2:
        raise DataError(f"{path} is glTF {version}; convert it to glTF 2.0")
    if length > len(content):
        raise DataError(f"{path} is damaged glTF: {len(content)} of {length} bytes are there; fetch it again")
    chunks, position = [], 12
    while position + 8 <= length:
        size, kind = struct.unpack_from("<I4s", content, position)
        position += 8
        if position + size > length:
            raise DataError(f"{path} is damaged glTF: a chunk of {size} bytes does not fit into the file")
        chunks.append((kind, content[position : position + size]))
        position += size
    if not chunks or chunks[0][0] != b"JSON":
        raise DataError(f"{path} is damaged glTF: it does not begin with a JSON chunk")
    binary = next((data for kind, data in chunks[1:] if kind == b"BIN\0"), None)
    return chunks[0][1], binary


def _parse(text: bytes, path: Path) -> Any:
    try:
        return json.loads(text.rstrip(b"\0 ").decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise DataError(f"{path} is damaged glTF: its JSON is nested too deeply") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged glTF: {_first_line(error)}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _check_version(container: Container) -> None:
    asset = container.root.entry("asset")
    version = "" if asset is None else asset.text("version")
    if not version.startswith("2."):
        container.fail(f"is not glTF 2.0 (asset.version is {version[:20]!r})")
    required = {name for name in container.root.items("extensionsRequired") if isinstance(name, str)}
    if DRACO in required:
        container.fail(
            "is compressed with Draco, which is not supported; export it without compression, or with meshopt"
        )
    if unknown := sorted(name for name in required - READABLE if not name.startswith(HARMLESS)):
        container.fail(f"needs extensions that are not supported: {', '.join(map(repr, unknown))[:200]}")


def _what_it_seems(content: bytes) -> str:
    start = content[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        return "is empty; fetch it again"
    if start.startswith(b"<"):
        web = b"html" in start.lower()
        return f"is {'a web page' if web else 'XML'}; use the link of the raw file to download it"
    for magic, what in _STARTS:
        if start.startswith(magic):
            return f"is {what}"
    return f"starts with {content[:12]!r}; a .glb starts with b'glTF'"
