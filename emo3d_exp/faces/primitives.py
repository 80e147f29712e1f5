"""The triangle meshes of a glTF scene, in world coordinates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pygltflib as gl

from emo3d_exp.errors import DataError
from emo3d_exp.faces.accessors import AccessorReader

GREY = (0.55, 0.55, 0.55)


@dataclass(frozen=True)
class Piece:
    """One primitive: arrays as in :class:`~emo3d_exp.faces.rig.Rig`, targets read on demand."""

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    part: np.ndarray
    masks: dict[str, np.ndarray]
    target_names: list[str]
    target: Callable[[int], np.ndarray]


def read_pieces(document: gl.GLTF2, reader: AccessorReader, path: Path) -> list[Piece]:
    """Every triangle primitive that the scene shows; points and lines are left out."""
    return [
        _piece(document, reader, mesh, primitive, matrix, path)
        for mesh, matrix in _placed_meshes(document)
        for primitive in mesh.primitives
        if _is_triangles(primitive, path)
    ]


def _is_triangles(primitive: gl.Primitive, path: Path) -> bool:
    if primitive.mode in (gl.TRIANGLE_STRIP, gl.TRIANGLE_FAN):
        raise DataError(f"{path} stores strips or fans; export it as plain triangles")
    return primitive.mode in (None, gl.TRIANGLES)


def _placed_meshes(document: gl.GLTF2) -> Iterator[tuple[gl.Mesh, np.ndarray]]:
    roots = document.scenes[document.scene or 0].nodes if document.scenes else range(len(document.nodes))
    stack = [(index, np.eye(4)) for index in reversed(list(roots))]
    while stack:
        index, above = stack.pop()
        node = document.nodes[index]
        matrix = above @ _local_matrix(node)
        if node.mesh is not None:
            # A skinned mesh is placed by its joints, not by its node (glTF 2.0, section 3.7.3.3).
            yield document.meshes[node.mesh], np.eye(4) if node.skin is not None else matrix
        stack += [(child, matrix) for child in reversed(node.children or [])]


def _local_matrix(node: gl.Node) -> np.ndarray:
    if node.matrix:
        return np.asarray(node.matrix, np.float64).reshape(4, 4).T
    x, y, z, w = node.rotation or (0.0, 0.0, 0.0, 1.0)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(node.scale or (1.0, 1.0, 1.0))
    matrix[:3, 3] = node.translation or (0.0, 0.0, 0.0)
    return matrix


def _piece(
    document: gl.GLTF2,
    reader: AccessorReader,
    mesh: gl.Mesh,
    primitive: gl.Primitive,
    matrix: np.ndarray,
    path: Path,
) -> Piece:
    attributes = {key: index for key, index in vars(primitive.attributes).items() if index is not None}
    if "POSITION" not in attributes:
        raise DataError(f"{path}: mesh '{mesh.name}' has no positions")
    local = reader.read(attributes["POSITION"]).astype(np.float64)
    linear = matrix[:3, :3]
    extras = mesh.extras or {}
    targets = [_entry(target, "POSITION") for target in primitive.targets or []]
    names = extras.get("targetNames") or (primitive.extras or {}).get("targetNames") or []

    def target(position: int) -> np.ndarray:
        if targets[position] is None:
            return np.zeros(local.shape, np.float32)
        return (reader.read(targets[position]).astype(np.float64) @ linear.T).astype(np.float32)

    return Piece(
        vertices=(local @ linear.T + matrix[:3, 3]).astype(np.float32),
        faces=_faces(reader, primitive, len(local), mirrored=bool(np.linalg.det(linear) < 0)),
        colors=_colors(document, reader, primitive, attributes.get("COLOR_0"), len(local)),
        part=_column(reader, attributes.get("_PART"), len(local)).astype(np.uint8),
        masks={
            mask: _column(reader, attributes.get(f"_{mask.upper()}"), len(local)).astype(np.float32)
            for mask in extras.get("masks", [])
        },
        target_names=[str(name) for name in names[: len(targets)]],
        target=target,
    )


def _entry(target: object, key: str) -> int | None:
    return target.get(key) if isinstance(target, dict) else getattr(target, key, None)


def _faces(reader: AccessorReader, primitive: gl.Primitive, count: int, mirrored: bool) -> np.ndarray:
    flat = np.arange(count) if primitive.indices is None else reader.read(primitive.indices)[:, 0]
    faces = flat[: len(flat) // 3 * 3].astype(np.int32).reshape(-1, 3)
    if faces.size and faces.max() >= count:
        raise DataError(f"{reader.path}: a triangle points outside its {count} vertices")
    return faces[:, ::-1] if mirrored else faces


def _colors(
    document: gl.GLTF2, reader: AccessorReader, primitive: gl.Primitive, accessor: int | None, count: int
) -> np.ndarray:
    factor = np.asarray(GREY if accessor is None else (1.0, 1.0, 1.0), np.float32)
    if primitive.material is not None:
        surface = document.materials[primitive.material].pbrMetallicRoughness
        if surface is not None and surface.baseColorFactor and surface.baseColorTexture is None:
            given = np.asarray(surface.baseColorFactor[:3], np.float32)
            factor = factor if accessor is None and (given == 1).all() else given
    colors = np.ones((count, 3), np.float32) if accessor is None else reader.read(accessor)[:, :3]
    return np.clip(colors.astype(np.float32) * factor, 0, 1)


def _column(reader: AccessorReader, accessor: int | None, count: int) -> np.ndarray:
    return np.zeros(count, np.float32) if accessor is None else reader.read(accessor)[:, 0]
