"""Where the nodes of a glTF scene put its meshes: matrices, rotations, skins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.accessor_reading import AccessorReader
from emo3d_exp.faces.gltf_container import Container
from emo3d_exp.faces.gltf_entries import Entry

MAX_NODES = 20_000
IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Placement:
    """A mesh in the scene.

    Attributes:
        mesh: index into ``meshes``.
        name: of the node.
        matrix: ``(4, 4)`` mesh to world.
        joints: ``(J, 4, 4)`` matrices of the skin's joints, mesh to world; they replace ``matrix``
            (glTF 2.0, section 3.7.3.3). None without a skin.
    """

    mesh: int
    name: str
    matrix: np.ndarray
    joints: np.ndarray | None


def placed_meshes(container: Container, reader: AccessorReader) -> Iterator[Placement]:
    """Every mesh that the scene shows, in the order of its nodes."""
    world = _world_matrices(container)
    skins: dict[int, np.ndarray] = {}
    for index, matrix in world.items():
        node = container.item("nodes", index)
        if "mesh" not in node:
            continue
        skin = node.integer("skin") if "skin" in node else None
        if skin is not None and skin not in skins:
            skins[skin] = _joints(container, reader, skin, world)
        yield Placement(node.integer("mesh"), node.text("name"), matrix, skins.get(skin))


def _world_matrices(container: Container) -> dict[int, np.ndarray]:
    stack = [(index, np.eye(4)) for index in reversed(_roots(container))]
    world: dict[int, np.ndarray] = {}
    if len(container.root.items("nodes")) > MAX_NODES:
        container.fail(f"has more than {MAX_NODES} nodes; a face has not")
    while stack:
        index, above = stack.pop()
        node = container.item("nodes", index)
        if index in world:
            node.fail("is reached twice; nodes must form a tree")
        with np.errstate(over="ignore", invalid="ignore"):
            world[index] = above @ local_matrix(node)
        stack += [(child, world[index]) for child in reversed(node.indices("children"))]
    return world


def _roots(container: Container) -> list[int]:
    root = container.root
    if root.items("scenes"):
        return container.item("scenes", root.integer("scene", 0)).indices("nodes")
    children = {child for node in root.entries("nodes") for child in node.indices("children")}
    return [index for index in range(len(root.items("nodes"))) if index not in children]


def local_matrix(node: Entry) -> np.ndarray:
    """``(4, 4)`` float64 of ``matrix``, or of ``translation``, ``rotation`` (x, y, z, w) and ``scale``."""
    if "matrix" in node:
        return np.reshape(node.numbers("matrix", 16, IDENTITY), (4, 4)).T
    quaternion = np.array(node.numbers("rotation", 4, (0.0, 0.0, 0.0, 1.0)))
    length = float(np.linalg.norm(quaternion))
    if not 0.5 < length < 2:
        node.fail("has a rotation that is no unit quaternion")
    x, y, z, w = quaternion / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * node.numbers("scale", 3, (1.0, 1.0, 1.0))
    matrix[:3, 3] = node.numbers("translation", 3, (0.0, 0.0, 0.0))
    return matrix


def _joints(
    container: Container, reader: AccessorReader, index: int, world: dict[int, np.ndarray]
) -> np.ndarray:
    skin = container.item("skins", index)
    nodes = skin.indices("joints")
    if not nodes or any(joint not in world for joint in nodes):
        skin.fail("needs joints, all of them in the scene")
    matrices = np.stack([world[joint] for joint in nodes])
    if "inverseBindMatrices" in skin:
        inverse = reader.read(skin.integer("inverseBindMatrices"), ("MAT4",), len(nodes))
        with np.errstate(over="ignore", invalid="ignore"):
            matrices = matrices @ inverse.astype(np.float64).reshape(-1, 4, 4).transpose(0, 2, 1)
    return matrices
