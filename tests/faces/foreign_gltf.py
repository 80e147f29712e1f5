"""glTF files as others make them, put together by hand, and their bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

CODES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "<f4")
PUSH = np.array([[0, 0, 0.5], [0, 0, 0], [0, 0.25, 0], [0, 0, 0]], "<f4")
CORNERS = np.array([0, 1, 2, 0, 2, 3], "<u2")


def pack_glb(document: Any, blob: bytes = b"") -> bytes:
    """A .glb of JSON (or of text as it is) and one binary chunk."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    blob += b"\0" * (-len(blob) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(blob), b"BIN\0") + blob if blob else b""
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


class Draft:
    """A document under construction: ``json`` and ``blob`` may be changed at will before saving."""

    def __init__(self) -> None:
        kinds = ("bufferViews", "accessors", "meshes", "nodes", "materials", "textures", "images", "samplers")
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, **{kind: [] for kind in kinds}}
        self.blob = bytearray()

    def add(self, kind: str, **item: Any) -> int:
        self.json.setdefault(kind, []).append(item)
        return len(self.json[kind]) - 1

    def view(self, data: bytes, **settings: Any) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        start = len(self.blob)
        self.blob += data
        return self.add("bufferViews", buffer=0, byteOffset=start, byteLength=len(data), **settings)

    def accessor(self, array: np.ndarray, **settings: Any) -> int:
        rows = array.reshape(len(array), -1)
        if "bufferView" not in settings:
            settings["bufferView"] = self.view(np.ascontiguousarray(rows).tobytes())
        kind = {"componentType": CODES[rows.dtype.str[1:]], "type": TYPES[rows.shape[1]], "count": len(rows)}
        return self.add("accessors", **(kind | settings))

    def square(
        self, names: tuple[str, ...] = ("jawOpen",), node: dict | None = None, **primitive: Any
    ) -> int:
        """A mesh of two triangles in a node of its own; ``primitive`` overrides its entries."""
        whole = {
            "attributes": {"POSITION": self.accessor(SQUARE)},
            "indices": self.accessor(CORNERS),
            "targets": [{"POSITION": self.accessor(PUSH)} for _ in names],
        }
        whole["attributes"] |= primitive.pop("attributes", {})
        mesh = self.add("meshes", primitives=[whole | primitive], extras={"targetNames": list(names)})
        return self.add("nodes", mesh=mesh, **(node or {}))

    def document(self, uri: str | None = None) -> dict[str, Any]:
        buffer = {"byteLength": len(self.blob)} | ({"uri": uri} if uri else {})
        found = {key: value for key, value in self.json.items() if value != []}
        return {"buffers": [buffer], **found}

    def save(self, path: Path) -> Path:
        path.write_bytes(pack_glb(self.document(), bytes(self.blob)))
        return path
