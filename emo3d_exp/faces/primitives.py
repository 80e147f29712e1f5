"""The triangle meshes of a glTF scene, in world coordinates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pygltflib as gl

from emo3d_exp.faces.accessor_reading import AccessorReader
from emo3d_exp.faces.gltf_container import DRACO, Container
from emo3d_exp.faces.gltf_entries import Entry
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.faces.scene_nodes import Placement, placed_meshes
from emo3d_exp.faces.surfaces import Surface, paint, read_surface
from emo3d_exp.faces.textures import TextureReader

MAX_VERTICES = 300_000
MAX_CORNERS = 6_000_000
MAX_PIECES = 300
"""Of all primitives together; motion alone takes 612 bytes a vertex."""

MAX_MASKS = 256

MODES = range(gl.POINTS, gl.TRIANGLE_FAN + 1)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
MASK_NAME = re.compile(r"[A-Za-z0-9_]{1,80}")
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_BALLS = {"eye", "eyes", "eyeball", "eyeballs"}
_AROUND = re.compile(r"lash|brow|lid|shadow|shade|wet|occlusion|tear|line|socket|glass|skin|head|face", re.I)


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


def read_pieces(container: Container) -> Iterator[Piece]:
    """Every triangle primitive that the scene shows; points and lines are left out."""
    reader = AccessorReader(container)
    textures = TextureReader(reader)
    budget = _Budget()
    for placement in placed_meshes(container, reader):
        mesh = container.item("meshes", placement.mesh)
        for primitive in mesh.entries("primitives"):
            budget.count_piece(primitive)
            if _is_triangles(primitive):
                budget.spend(primitive, reader)
                surface = read_surface(container, primitive, textures)
                piece = _piece(reader, mesh, primitive, placement, surface)
                if len(piece.faces):
                    yield piece


class _Budget:
    """Counts what has been asked for, before it is read."""

    def __init__(self) -> None:
        self.vertices = self.corners = self.pieces = 0

    def count_piece(self, primitive: Entry) -> None:
        self.pieces += 1
        if self.pieces > MAX_PIECES:
            primitive.fail(f"is one of more than {MAX_PIECES} pieces; join them, in Blender for one")

    def spend(self, primitive: Entry, reader: AccessorReader) -> None:
        attributes = primitive.entry("attributes")
        if attributes is None or "POSITION" not in attributes:
            primitive.fail("has no positions")
        if primitive.extension(DRACO) is not None and "bufferView" not in reader.container.item(
            "accessors", attributes.integer("POSITION")
        ):
            primitive.fail("is compressed with Draco, which is not supported; export it without")
        self.vertices += reader.count(attributes.integer("POSITION"))
        self.corners += reader.count(primitive.integer("indices")) if "indices" in primitive else 0
        if self.vertices > MAX_VERTICES or self.corners > MAX_CORNERS:
            primitive.fail(
                f"is too much: a rig may have {MAX_VERTICES} vertices and {MAX_CORNERS // 3} triangles; "
                "reduce it, in Blender for one"
            )


def _is_triangles(primitive: Entry) -> bool:
    mode = primitive.integer("mode", gl.TRIANGLES)
    if mode not in MODES:
        primitive.fail(f"has the unknown mode {mode}")
    if mode in (gl.TRIANGLE_STRIP, gl.TRIANGLE_FAN):
        primitive.fail("is a strip or fan; export it as plain triangles")
    return mode == gl.TRIANGLES


def _piece(
    reader: AccessorReader, mesh: Entry, primitive: Entry, placement: Placement, surface: Surface
) -> Piece:
    attributes = Entry(primitive.value["attributes"], f"{primitive.place}.attributes", primitive.path)
    local = reader.read(attributes.integer("POSITION"), ("VEC3",)).astype(np.float64)
    matrix = _matrix(reader, attributes, placement, len(local))
    vertices = _moved(matrix, local, primitive, 1.0)
    faces = _faces(reader, primitive, len(local), bool(np.linalg.det(_mean_linear(matrix)) < 0))
    colors, seen = paint(surface, reader, attributes, faces, len(local))
    faces = faces[seen]
    kept = np.arange(len(local)) if seen.all() else np.unique(faces)
    names, accessors = _targets(mesh, primitive)

    def target(position: int) -> np.ndarray:
        if accessors[position] is None:
            return np.zeros((len(kept), 3), np.float32)
        delta = reader.read(accessors[position], ("VEC3",), len(local)).astype(np.float64)
        return _moved(matrix, delta, primitive, 0.0)[kept]

    guess = _eye(placement.name, mesh.text("name"), surface.name)
    part = _column(reader, attributes, "_PART", len(local), PARTS.index(guess) if guess else 0)
    if part.min() < 0 or part.max() >= len(PARTS):
        primitive.fail(f"has a _PART outside 0 to {len(PARTS) - 1}")
    return Piece(
        vertices=vertices[kept],
        faces=np.searchsorted(kept, faces).astype(np.int32),
        colors=colors[kept],
        part=part.astype(np.uint8)[kept],
        masks={name: values[kept] for name, values in _masks(reader, mesh, attributes, len(local))},
        target_names=names,
        target=target,
    )


def _matrix(reader: AccessorReader, attributes: Entry, placement: Placement, count: int) -> np.ndarray:
    """``(4, 4)``, or ``(V, 4, 4)`` of a skin: the mean of a vertex's joints, by weight."""
    if placement.joints is None:
        return placement.matrix
    total, sums = np.zeros((count, 4, 4)), np.zeros(count)
    for index in range(8):
        if f"JOINTS_{index}" not in attributes:
            break
        joints = reader.read(attributes.integer(f"JOINTS_{index}"), ("VEC4",), count)
        weights = reader.read(attributes.integer(f"WEIGHTS_{index}"), ("VEC4",), count).astype(np.float64)
        if joints.dtype.kind != "u" or joints.max() >= len(placement.joints) or weights.min() < 0:
            attributes.fail(f"has JOINTS_{index} or WEIGHTS_{index} that do not fit its skin")
        for joint, weight in zip(joints.T, weights.T, strict=True):
            total += weight[:, None, None] * placement.joints[joint]
            sums += weight
    if (sums <= 0).any():
        attributes.fail("leaves vertices of a skinned mesh without joints")
    return total / sums[:, None, None]


def _mean_linear(matrix: np.ndarray) -> np.ndarray:
    return matrix[..., :3, :3].reshape(-1, 3, 3).mean(axis=0)


def _moved(matrix: np.ndarray, rows: np.ndarray, primitive: Entry, weight: float) -> np.ndarray:
    """Points (weight 1) or motions (weight 0) in the world, float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        moved = np.einsum("...ij,...j->...i", matrix[..., :3, :3], rows) + weight * matrix[..., :3, 3]
        moved = moved.astype(np.float32)
    if not np.isfinite(moved).all():
        primitive.fail("has positions that are too large for numbers of 32 bits")
    return moved


def _targets(mesh: Entry, primitive: Entry) -> tuple[list[str], list[int | None]]:
    """Names and position accessors of the morph targets."""
    targets = list(primitive.entries("targets"))
    names = _extra(mesh, "targetNames") or _extra(primitive, "targetNames")
    names = names or [name for target in targets for name in _extra(target, "name")]
    if targets and names and len(names) != len(targets):
        primitive.fail(f"has {len(targets)} targets, but {len(names)} names")
    if targets and mesh.items("weights") and len(mesh.items("weights")) != len(targets):
        primitive.fail(f"has {len(targets)} targets, but its mesh {len(mesh.items('weights'))} weights")
    accessors = [target.integer("POSITION") if "POSITION" in target else None for target in targets]
    return [name if isinstance(name, str) else "" for name in names] if targets else [], accessors


def _extra(entry: Entry, key: str) -> list:
    """A list, or one string, from the free-form extras of an object."""
    extras = entry.value.get("extras")
    found = extras.get(key) if isinstance(extras, dict) else None
    return found if isinstance(found, list) else [found] if isinstance(found, str) else []


def _faces(reader: AccessorReader, primitive: Entry, count: int, mirrored: bool) -> np.ndarray:
    flat = np.arange(count)
    if "indices" in primitive:
        flat = reader.read(primitive.integer("indices"), ("SCALAR",))[:, 0]
    if flat.dtype.kind == "f" or len(flat) % 3:
        primitive.fail(f"has {len(flat)} indices, which are no whole triangles")
    if flat.min() < 0 or flat.max() >= count:
        primitive.fail(f"has a triangle that points outside its {count} vertices")
    faces = flat.astype(np.int32).reshape(-1, 3)
    return faces[:, ::-1] if mirrored else faces


def _masks(
    reader: AccessorReader, mesh: Entry, attributes: Entry, count: int
) -> Iterator[tuple[str, np.ndarray]]:
    names = {
        name: f"_{name.upper()}"
        for name in _extra(mesh, "masks")
        if isinstance(name, str) and MASK_NAME.fullmatch(name)
    }
    present = {name: key for name, key in names.items() if key in attributes}
    if len(present) > MAX_MASKS:
        mesh.fail(f"has {len(present)} masks, more than {MAX_MASKS}")
    for name, key in present.items():
        yield name, _column(reader, attributes, key, count, 0).astype(np.float32)


def _column(reader: AccessorReader, attributes: Entry, key: str, count: int, default: int) -> np.ndarray:
    if key not in attributes:
        return np.full(count, default)
    return reader.read(attributes.integer(key), ("SCALAR",), count)[:, 0]


def _eye(*names: str) -> str | None:
    """``eye_left`` or ``eye_right`` if the name of a node, mesh or material says so and no other does."""
    found = set()
    for name in names:
        words = [word.lower() for word in _WORDS.findall(name[:200])]
        if _BALLS & set(words) and not _AROUND.search(name):
            found |= {f"eye_{_SIDES[word]}" for word in words if word in _SIDES}
    return found.pop() if len(found) == 1 else None
