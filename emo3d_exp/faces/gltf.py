"""Rigs as glTF binaries: our asset out, anybody's face in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import pygltflib as gl

from emo3d_exp.errors import DataError
from emo3d_exp.faces.accessors import AccessorReader, AccessorWriter
from emo3d_exp.faces.primitives import Piece, read_pieces
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.target_names import match_targets
from emo3d_exp.vocab import MORPH_TARGETS

QUANTIZATION = "KHR_mesh_quantization"
UNREADABLE = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")


class HeadLike(Protocol):
    """What can be written: a :class:`Rig`, or the built-in head before it is one."""

    neutral: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    deltas: np.ndarray
    part: np.ndarray
    masks: Mapping[str, np.ndarray]


def write_gltf(head: HeadLike, path: str | Path) -> Path:
    """Write one mesh with 51 named morph targets as a .glb that common viewers open.

    Motion is stored as sparse int16 steps of 1/65536 of the head's height, rounded up to a power of
    two (KHR_mesh_quantization); the node's scale turns steps into units. Masks and parts are custom
    attributes in bytes. Normals are those of the rest pose.

    Returns:
        The path written; the file appears whole or not at all.
    """
    path = Path(path)
    document = gl.GLTF2(asset=gl.Asset(generator="emo3d_exp"))
    writer = AccessorWriter(document)
    step = _step(head)
    attributes = _attributes(head, writer, step)
    primitive = gl.Primitive(attributes=gl.Attributes(**attributes), mode=gl.TRIANGLES, material=0)
    kind = np.dtype("<u2") if len(head.neutral) <= 65535 else np.dtype("<u4")
    primitive.indices = writer.dense(head.faces.astype(kind).reshape(-1), gl.ELEMENT_ARRAY_BUFFER)
    primitive.targets = [
        {"POSITION": writer.sparse(np.round(delta / step).astype("<i2"))} for delta in head.deltas
    ]
    _assemble(document, primitive, step, sorted(head.masks))
    writer.finish()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(b"".join(document.save_to_bytes()))
    os.replace(temporary, path)
    return path


def read_gltf(path: str | Path, name: str | None = None) -> Rig:
    """Read a face from a .glb or .gltf file, whoever made it.

    All triangle meshes of the scene become one; node transforms are applied, skins are not (the face
    stands in its bind pose). Morph targets are found by name (see ``target_names.match_target``); what
    is not there is listed in ``Rig.missing`` and stays still.

    Raises:
        DataError: no such file, not glTF, compressed, damaged, or without any of the 51 targets.
    """
    path = Path(path)
    document = _open(path)
    pieces = read_pieces(document, AccessorReader(document, path), path)
    if not pieces:
        raise DataError(f"{path} holds no triangle mesh")
    offsets = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    deltas, missing = _gather_targets(pieces, offsets, path)
    return Rig(
        name=name or path.stem,
        neutral=np.concatenate([piece.vertices for piece in pieces]),
        faces=np.concatenate([piece.faces + start for piece, start in zip(pieces, offsets, strict=False)]),
        colors=np.concatenate([piece.colors for piece in pieces]),
        deltas=deltas,
        missing=missing,
        part=np.concatenate([piece.part for piece in pieces]),
        masks=_gather_masks(pieces),
    )


def _step(head: HeadLike) -> float:
    extent = float(np.ptp(head.neutral, axis=0).max())
    largest = float(np.abs(head.deltas).max(initial=0.0))
    return float(2.0 ** np.ceil(np.log2(max(extent / 65536, largest / 32767, 1e-9))))


def _attributes(head: HeadLike, writer: AccessorWriter, step: float) -> dict[str, int]:
    from emo3d_exp.faces.shading import NormalField

    normals = NormalField(head.faces, len(head.neutral))(head.neutral)
    colors = np.c_[head.colors, np.ones(len(head.colors))]
    vertex = gl.ARRAY_BUFFER
    attributes = {
        "POSITION": writer.dense((head.neutral / step).astype("<f4"), vertex),
        "NORMAL": writer.dense(np.round(normals * 127).astype("<i1"), vertex, normalized=True),
        "COLOR_0": writer.dense(np.round(colors * 65535).astype("<u2"), vertex, normalized=True),
        "_PART": writer.sparse(head.part.astype("<u1")),
    }
    for mask in sorted(head.masks):
        values = np.round(np.clip(head.masks[mask], 0, 1) * 255).astype("<u1")
        attributes[f"_{mask.upper()}"] = writer.sparse(values, normalized=True)
    return attributes


def _assemble(document: gl.GLTF2, primitive: gl.Primitive, step: float, masks: list[str]) -> None:
    extras = {"targetNames": list(MORPH_TARGETS), "masks": masks}
    weights = [0.0] * len(MORPH_TARGETS)
    document.meshes = [gl.Mesh(name="head", primitives=[primitive], weights=weights, extras=extras)]
    document.materials = [
        gl.Material(
            name="head",
            doubleSided=True,
            pbrMetallicRoughness=gl.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.65),
        )
    ]
    document.nodes = [gl.Node(name="head", mesh=0, scale=[step] * 3)]
    document.scenes = [gl.Scene(nodes=[0])]
    document.scene = 0
    document.extensionsUsed = document.extensionsRequired = [QUANTIZATION]


def _open(path: Path) -> gl.GLTF2:
    if not path.is_file():
        raise DataError(f"no such rig file: {path}")
    start = path.read_bytes()[:64]
    if not start.startswith(b"glTF") and not start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        raise DataError(f"{path} is not glTF (it starts with {start[:16]!r}); was the download a web page?")
    try:
        binary = start.startswith(b"glTF")
        document = gl.GLTF2.load_binary(str(path)) if binary else gl.GLTF2.load_json(str(path))
    except Exception as error:
        raise DataError(f"{path} is damaged glTF ({type(error).__name__}: {error})") from error
    if document is None:
        raise DataError(f"{path} is damaged glTF")
    if packed := set(document.extensionsRequired or []) & set(UNREADABLE):
        raise DataError(f"{path} is compressed with {', '.join(packed)}; export it without compression")
    return document


def _gather_targets(
    pieces: list[Piece], offsets: np.ndarray, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    deltas = np.zeros((len(MORPH_TARGETS), int(offsets[-1]), 3), np.float32)
    found: set[str] = set()
    for piece, start in zip(pieces, offsets, strict=False):
        for name, positions in match_targets(piece.target_names).items():
            rows = slice(start, start + len(piece.vertices))
            deltas[MORPH_TARGETS.index(name), rows] = sum(piece.target(i) for i in positions)
            found.add(name)
    if not found:
        seen = sorted({name for piece in pieces for name in piece.target_names})[:12]
        raise DataError(f"{path} has none of the 51 morph targets (its targets: {seen or 'none'})")
    return deltas, tuple(name for name in MORPH_TARGETS if name not in found)


def _gather_masks(pieces: list[Piece]) -> dict[str, np.ndarray]:
    names = sorted({name for piece in pieces for name in piece.masks})
    still = [np.zeros(len(piece.vertices), np.float32) for piece in pieces]
    return {
        name: np.concatenate([piece.masks.get(name, zero) for piece, zero in zip(pieces, still, strict=True)])
        for name in names
    }
