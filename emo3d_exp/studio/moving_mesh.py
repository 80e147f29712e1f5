"""A face on its way from one pose to another, as one small glTF file that the browser plays by itself."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from emo3d_exp.studio.appearance import Appearance, Surface
from emo3d_exp.studio.easing import KEYS, ease

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
FOREVER = 1e7
"""Seconds until the clip would start again: the browser loops every clip, and this one must not."""


class MeshFile:
    """Accumulates accessors, views and bytes of a binary glTF file."""

    def __init__(self) -> None:
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.data = bytearray()

    def add(self, array: np.ndarray, kind: str, component: int, bounds: bool = False) -> int:
        """Append an array; its accessor's number."""
        self.data += bytes(-len(self.data) % 4)
        raw = np.ascontiguousarray(array).tobytes()
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)})
        self.data += raw
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        if bounds:
            table = array.reshape(len(array), -1)
            accessor |= {"min": table.min(axis=0).tolist(), "max": table.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def to_bytes(self, document: dict[str, Any]) -> bytes:
        """The .glb: header, JSON chunk, binary chunk."""
        self.data += bytes(-len(self.data) % 4)
        document = {
            "asset": {"version": "2.0", "generator": "emo3d_exp studio"},
            **document,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.data)}],
        }
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        size = 12 + 8 + len(text) + 8 + len(self.data)
        head = struct.pack("<4sII", b"glTF", 2, size) + struct.pack("<I4s", len(text), b"JSON")
        return head + text + struct.pack("<I4s", len(self.data), b"BIN\0") + bytes(self.data)


def moving_mesh(start: Surface, end: Surface, appearance: Appearance, seconds: float, hold: float) -> bytes:
    """A mesh that waits ``hold`` seconds, then eases from ``start`` to ``end`` in ``seconds``, and stays.

    Both surfaces belong to the rig of ``appearance``. Colours, which hold the light, move with the vertices.
    """
    file = MeshFile()
    primitive = _primitive(file, start, appearance)
    shift, recolor = end.vertices - start.vertices, end.colors - start.colors
    position = file.add(shift, "VEC3", FLOAT, bounds=True)
    primitive["targets"] = [{"POSITION": position, "COLOR_0": file.add(_rgba(recolor, 0.0), "VEC4", FLOAT)}]
    times = np.concatenate([[0.0], hold + seconds * KEYS, [FOREVER]]).astype(np.float32)
    weights = np.concatenate([[0.0], ease(KEYS), [1.0]]).astype(np.float32)
    clip = {
        "input": file.add(times, "SCALAR", FLOAT, bounds=True),
        "output": file.add(weights, "SCALAR", FLOAT),
        "interpolation": "LINEAR",
    }
    target = {"node": 0, "path": "weights"}
    animation = {"channels": [{"sampler": 0, "target": target}], "samplers": [clip]}
    return file.to_bytes(_document(primitive, appearance) | {"animations": [animation]})


def still_mesh(surface: Surface, appearance: Appearance) -> bytes:
    """A mesh that does not move."""
    file = MeshFile()
    return file.to_bytes(_document(_primitive(file, surface, appearance), appearance))


def _primitive(file: MeshFile, surface: Surface, appearance: Appearance) -> dict[str, Any]:
    small = len(surface.vertices) <= 0xFFFF
    index = appearance.faces.astype(np.uint16 if small else np.uint32).reshape(-1)
    return {
        "attributes": {
            "POSITION": file.add(surface.vertices, "VEC3", FLOAT, bounds=True),
            "COLOR_0": file.add(_rgba(surface.colors, 1.0), "VEC4", FLOAT),
        },
        "indices": file.add(index, "SCALAR", UINT16 if small else UINT32),
        "material": 0,
    }


def _document(primitive: dict[str, Any], appearance: Appearance) -> dict[str, Any]:
    unlit: dict[str, Any] = {"extensions": {"KHR_materials_unlit": {}}, "doubleSided": appearance.two_sided}
    return {
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [unlit],
    }


def _rgba(colors: np.ndarray, alpha: float) -> np.ndarray:
    """``(V, 4)`` float32: three.js moves colours only where they have an alpha."""
    return np.concatenate([colors, np.full((len(colors), 1), alpha)], axis=1).astype(np.float32)
