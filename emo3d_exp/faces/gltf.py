"""Rigs as glTF binaries: how they are written, and (see ``gltf_reading``) how anybody's face is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pygltflib as gl

from emo3d_exp.faces.accessors import AccessorWriter
from emo3d_exp.faces.gltf_reading import read_gltf
from emo3d_exp.faces.primitives import MASK_NAME
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import MORPH_TARGETS

QUANTIZATION = "KHR_mesh_quantization"

__all__ = ["HeadLike", "RigDocument", "compose_gltf", "read_gltf", "write_gltf"]


class HeadLike(Protocol):
    """What can be written: a :class:`Rig`, or the built-in head before it is one."""

    neutral: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    deltas: np.ndarray
    part: np.ndarray
    masks: Mapping[str, np.ndarray]


@dataclass
class RigDocument:
    """A document in the making: node 0 shows mesh 0, the head with its 51 targets.

    Whoever adds to it (animations, say) puts arrays in with ``writer`` and entries into ``document``.
    """

    document: gl.GLTF2
    writer: AccessorWriter

    def save(self, path: str | Path) -> Path:
        """Write the .glb; the file appears whole or not at all."""
        self.writer.finish()
        with write_atomically(path) as partial:
            partial.write_bytes(b"".join(self.document.save_to_bytes()))
        return Path(path)


def write_gltf(
    head: HeadLike,
    path: str | Path,
    exact: bool = False,
    weights: Sequence[float] | np.ndarray | None = None,
) -> Path:
    """Write one mesh with 51 named morph targets as a .glb that common viewers open.

    Args:
        head: what to write.
        path: the .glb file.
        exact: store the arrays as they are, in float32, so that reading gives equal numbers; the file
            needs no extension, and is about twice as large. Otherwise motion is stored as int16 steps of
            1/65536 of the head's extent, rounded up to a power of two (KHR_mesh_quantization; the node's
            scale turns steps into units), normals and masks in bytes, colours in 16 bits.
        weights: ``(51,)`` weights of the targets (see ``Rig.weights``) that the file opens with; the
            neutral face without.

    Returns:
        The path written; the file appears whole or not at all.

    Raises:
        ValueError: other than 51 finite weights, or names of masks that cannot be told apart in a file.
    """
    return compose_gltf(head, exact, weights).save(path)


def compose_gltf(
    head: HeadLike, exact: bool = False, weights: Sequence[float] | np.ndarray | None = None
) -> RigDocument:
    """The document that :func:`write_gltf` saves, open for additions."""
    document = gl.GLTF2(asset=gl.Asset(generator="emo3d_exp"))
    writer = AccessorWriter(document)
    step = 1.0 if exact else _step(head)
    _check_masks(head.masks)
    attributes = _exact_attributes(head, writer) if exact else _compact_attributes(head, writer, step)
    primitive = gl.Primitive(attributes=gl.Attributes(**attributes), mode=gl.TRIANGLES, material=0)
    kind = np.dtype("<u2") if len(head.neutral) <= 65535 else np.dtype("<u4")
    primitive.indices = writer.dense(head.faces.astype(kind).reshape(-1), gl.ELEMENT_ARRAY_BUFFER)
    steps = (delta.astype("<f4") if exact else np.round(delta / step).astype("<i2") for delta in head.deltas)
    primitive.targets = [{"POSITION": writer.sparse(delta)} for delta in steps]
    _assemble(document, primitive, _checked_weights(weights), sorted(head.masks))
    if not exact:
        document.nodes[0].scale = [step] * 3
        document.extensionsUsed = document.extensionsRequired = [QUANTIZATION]
    return RigDocument(document, writer)


def _check_masks(masks: Mapping[str, np.ndarray]) -> None:
    names = ["PART", *(name.upper() for name in masks)]
    if len(set(names)) < len(names) or not all(map(MASK_NAME.fullmatch, masks)):
        raise ValueError(
            f"mask names must be ASCII words that differ by more than case, none 'part': {list(masks)}"
        )


def _step(head: HeadLike) -> float:
    extent = float(np.ptp(head.neutral, axis=0).max())
    largest = float(np.abs(head.deltas).max(initial=0.0))
    return float(2.0 ** np.ceil(np.log2(max(extent / 65536, largest / 32767, 1e-9))))


def _compact_attributes(head: HeadLike, writer: AccessorWriter, step: float) -> dict[str, int]:
    colors = np.c_[head.colors, np.ones(len(head.colors))]
    vertex = gl.ARRAY_BUFFER
    attributes = {
        "POSITION": writer.dense((head.neutral / step).astype("<f4"), vertex),
        "NORMAL": writer.dense(np.round(_normals(head) * 127).astype("<i1"), vertex, normalized=True),
        "COLOR_0": writer.dense(np.round(colors * 65535).astype("<u2"), vertex, normalized=True),
        "_PART": writer.sparse(head.part.astype("<u1")),
    }
    for mask in sorted(head.masks):
        values = np.round(np.clip(head.masks[mask], 0, 1) * 255).astype("<u1")
        attributes[f"_{mask.upper()}"] = writer.sparse(values, normalized=True)
    return attributes


def _exact_attributes(head: HeadLike, writer: AccessorWriter) -> dict[str, int]:
    columns = {"POSITION": head.neutral, "NORMAL": _normals(head), "COLOR_0": head.colors}
    attributes = {
        name: writer.dense(np.asarray(rows, "<f4"), gl.ARRAY_BUFFER) for name, rows in columns.items()
    }
    attributes["_PART"] = writer.sparse(head.part.astype("<u1"))
    for mask in sorted(head.masks):
        attributes[f"_{mask.upper()}"] = writer.sparse(np.asarray(head.masks[mask], "<f4"))
    return attributes


def _normals(head: HeadLike) -> np.ndarray:
    """Of the rest pose; glTF wants unit vectors, also for vertices of no triangle."""
    from emo3d_exp.faces.shading import NormalField

    normals = NormalField(head.faces, len(head.neutral))(head.neutral).astype(np.float64)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-6, normals / np.maximum(length, 1e-30), (0.0, 0.0, 1.0)).astype(np.float32)


def _checked_weights(weights: Sequence[float] | np.ndarray | None) -> list[float]:
    values = np.zeros(len(MORPH_TARGETS)) if weights is None else np.asarray(weights, np.float64)
    if values.shape != (len(MORPH_TARGETS),) or not np.isfinite(values).all():
        raise ValueError(f"weights must be {len(MORPH_TARGETS)} finite numbers, got shape {values.shape}")
    return values.tolist()


def _assemble(document: gl.GLTF2, primitive: gl.Primitive, weights: list[float], masks: list[str]) -> None:
    extras = {"targetNames": list(MORPH_TARGETS), "masks": masks}
    document.meshes = [gl.Mesh(name="head", primitives=[primitive], weights=weights, extras=extras)]
    document.materials = [
        gl.Material(
            name="head",
            doubleSided=True,
            pbrMetallicRoughness=gl.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.65),
        )
    ]
    document.nodes = [gl.Node(name="head", mesh=0)]
    document.scenes = [gl.Scene(nodes=[0])]
    document.scene = 0
