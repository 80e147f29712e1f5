"""Bytes that a glTF document refers to: the binary chunk, data: URIs, and files in its own folder."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from emo3d_exp.errors import DataError
from emo3d_exp.faces.gltf_container import MAX_BYTES, Container
from emo3d_exp.faces.gltf_entries import Entry

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def load_uri(uri: str, entry: Entry) -> bytes:
    """The bytes behind a URI.

    Only ``data:`` and relative paths that stay in the document's folder, links followed, are read.

    Raises:
        DataError: any other URI, a file that is not there, or bad base64.
    """
    if uri[:5].lower() == "data:":
        return _decode_data(uri, entry)
    if _SCHEME.match(uri):
        entry.fail(f"refers to {uri[:80]!r}; only files beside it and data: URIs are read")
    source = _inside(uri, entry)
    try:
        if not source.is_file():
            entry.fail(f"refers to {uri[:80]!r}, which does not lie beside the file")
        if source.stat().st_size > MAX_BYTES:
            entry.fail(f"refers to {uri[:80]!r}, which is larger than {MAX_BYTES >> 20} MiB")
        return source.read_bytes()
    except OSError as error:
        raise DataError(f"{entry.path}: {uri[:80]!r} cannot be read ({error.strerror})") from error


def _inside(uri: str, entry: Entry) -> Path:
    folder = entry.path.parent.resolve()
    try:
        name = unquote_to_bytes(uri).decode("utf-8")
        source = (folder / name).resolve()
    except (ValueError, OSError, RuntimeError):
        entry.fail(f"refers to {uri[:80]!r}, which is no file name")
    backwards = "\\" in name or "\0" in name or _SCHEME.match(name)
    if backwards or name.startswith("/") or not source.is_relative_to(folder):
        entry.fail(f"refers to {uri[:80]!r}, which leaves its folder; put that file beside the document")
    return source


def _decode_data(uri: str, entry: Entry) -> bytes:
    head, comma, payload = uri.partition(",")
    if not comma:
        entry.fail("has a data: URI without data")
    try:
        content = unquote_to_bytes(payload)
        return base64.b64decode(content, validate=True) if head.lower().endswith(";base64") else content
    except ValueError:
        entry.fail("has a data: URI that cannot be decoded")


class Buffers:
    """The buffers of a document, each loaded when something reads it."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self._loaded: dict[int, bytes] = {}

    def slice(self, entry: Entry) -> memoryview:
        """The bytes that ``buffer``, ``byteOffset`` and ``byteLength`` of an entry describe."""
        data = self._load(entry.integer("buffer"))
        start, length = entry.integer("byteOffset", 0), entry.integer("byteLength", low=1)
        if start + length > len(data):
            entry.fail(f"needs bytes {start} to {start + length} of a buffer of {len(data)}")
        return memoryview(data)[start : start + length]

    def _load(self, index: int) -> bytes:
        if index not in self._loaded:
            buffer = self.container.item("buffers", index)
            length = buffer.integer("byteLength", low=1)
            data = self._source(buffer, index)
            if len(data) < length:
                buffer.fail(f"should hold {length} bytes, but {len(data)} are there; fetch the file again")
            self._loaded[index] = data[:length]
        return self._loaded[index]

    def _source(self, buffer: Entry, index: int) -> bytes:
        if "uri" in buffer:
            return load_uri(buffer.text("uri"), buffer)
        if index or self.container.binary is None:
            buffer.fail("has neither a uri nor a binary chunk")
        return self.container.binary
