"""A reader of .glb files that shares nothing with the package's own."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

KINDS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


class Glb:
    """``document`` is the JSON chunk; :meth:`accessor` reads arrays out of the binary one."""

    def __init__(self, content: bytes) -> None:
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON"
        self.document: dict[str, Any] = json.loads(content[20 : 20 + size])
        binary, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0"
        self.data = content[28 + size : 28 + size + binary]
        assert self.document["buffers"][0]["byteLength"] <= len(self.data)

    def accessor(self, index: int) -> np.ndarray:
        """(count, width) numbers as stored; those of sparse accessors filled in."""
        entry = self.document["accessors"][index]
        kind, width = np.dtype(KINDS[entry["componentType"]]), WIDTHS[entry["type"]]
        values = np.zeros((entry["count"], width), kind)
        if "bufferView" in entry:
            values = self._view(entry["bufferView"], entry.get("byteOffset", 0), entry["count"], kind, width)
        if sparse := entry.get("sparse"):
            where, what, count = sparse["indices"], sparse["values"], sparse["count"]
            rows = self._view(where["bufferView"], 0, count, np.dtype(KINDS[where["componentType"]]), 1)
            values[rows[:, 0]] = self._view(what["bufferView"], 0, count, kind, width)
        return values

    def _view(self, view: int, offset: int, count: int, kind: np.dtype, width: int) -> np.ndarray:
        block = self.document["bufferViews"][view]
        start = block.get("byteOffset", 0) + offset
        stride = block.get("byteStride", kind.itemsize * width)
        rows = [
            np.frombuffer(self.data, kind, width, start + number * stride).copy() for number in range(count)
        ]
        return np.stack(rows)
