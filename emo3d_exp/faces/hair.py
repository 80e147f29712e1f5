"""Hair: a mesh of a style's sheets, their inside and single strands, made once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emo3d_exp.faces.hair_sheets import Sheet, hair_sheets
from emo3d_exp.faces.hair_styles import STYLES
from emo3d_exp.faces.loose_strands import Mesh, loose_strands
from emo3d_exp.faces.overlay import COLORS, Overlay, bind, join
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.scalp import CENTER, Scalp
from emo3d_exp.faces.shading import NormalField

INSIDE_SHADE = 0.30


def hair_overlay(rig: Rig, style: str, receding: float = 0.0, flipped: bool = False) -> Overlay | None:
    """The hair of a style of :data:`STYLES`; None for styles that are painted only.

    Args:
        rig: with masks, in the built-in head's units.
        style: name.
        receding: 0…1, how far the temples are bare.
        flipped: parting on the other side.
    """
    how = STYLES[style]
    if how.kind == "painted":
        return None
    rng = np.random.default_rng(sum(map(ord, style)))
    sheets = hair_sheets(Scalp(rig), how, receding, rng)
    return join([one for sheet in sheets for one in _overlays(rig, sheet, flipped, rng)])


def _overlays(rig: Rig, sheet: Sheet, flipped: bool, rng: np.random.Generator) -> Iterator[Overlay]:
    """The sheet, and single strands on it."""
    surface = _surface(sheet)
    meshes = [_with_inside(surface, sheet) if sheet.open else surface]
    if sheet.strands:
        meshes.append(loose_strands(sheet, surface.normals.reshape(sheet.points.shape), rng))
    for mesh in meshes:
        yield _bound(rig, mesh.mirrored() if flipped else mesh)


def _surface(sheet: Sheet) -> Mesh:
    rows, columns = sheet.alpha.shape
    points = sheet.points.reshape(-1, 3)
    faces = _quads(np.arange(rows * columns).reshape(rows, columns))
    faces = faces[:, ::-1] if _faces_inward(points, faces) else faces
    faces = faces[_area(points, faces) > 1e-7]
    normals = NormalField(faces, len(points))(points.astype(np.float32))
    tangents = np.gradient(sheet.points, axis=0).reshape(-1, 3)
    return Mesh(
        points,
        sheet.anchors.reshape(-1, 3),
        faces,
        normals,
        tangents,
        sheet.alpha.ravel(),
        sheet.tint.ravel(),
    )


def _bound(rig: Rig, mesh: Mesh) -> Overlay:
    binding = bind(rig, mesh.anchors)
    count = len(mesh.points)
    length = np.maximum(np.linalg.norm(mesh.tangents, axis=1, keepdims=True), 1e-9)
    return Overlay(
        faces=np.ascontiguousarray(mesh.faces, np.int32),
        binding=binding,
        offset=(mesh.points - binding @ rig.neutral).astype(np.float32),
        lift=np.zeros(count, np.float32),
        normals=mesh.normals.astype(np.float32),
        tangents=(mesh.tangents / length).astype(np.float32),
        alpha=mesh.alpha.astype(np.float32),
        tint=mesh.tint.astype(np.float32),
        color=np.full(count, COLORS.index("hair"), np.uint8),
        rank=np.zeros(count, np.float32),
    )


def _quads(index: np.ndarray) -> np.ndarray:
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.concatenate([np.stack([a, c, d], 1), np.stack([a, d, b], 1)])


def _area(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (points[faces[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def _faces_inward(points: np.ndarray, faces: np.ndarray) -> bool:
    """Whether most of a surface faces the middle of the head (of itself, for a small one)."""
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    centre = CENTER if len(points) > 300 else points.mean(axis=0)
    return bool((across * ((corners.mean(axis=1) - centre) * [1, 0.5, 1])).sum() < 0)


def _with_inside(surface: Mesh, sheet: Sheet) -> Mesh:
    """With a second, turned surface inside the rows that hang, every other column; darker further back."""
    rows, columns = sheet.alpha.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    kept = np.unique(np.append(np.arange(0, columns, 2), columns - 1))
    picked = index[rows - sheet.hanging - 3 :][:, kept]
    grid = np.arange(picked.size).reshape(picked.shape)
    picked = picked.ravel()
    inner = CENTER + (surface.points[picked] - CENTER) * [0.95, 1.0, 0.95]
    inner[grid[:, 0]] = surface.points[picked[grid[:, 0]]]
    faces = _quads(grid)
    faces = faces if _faces_inward(inner, faces) else faces[:, ::-1]
    falls = np.linalg.norm(sheet.points[-1] - sheet.points[-sheet.hanging - 1], axis=1) > 0.05
    faces = faces[_area(inner, faces) > 1e-7]
    faces = faces[falls[picked[faces] % columns].all(axis=1)]
    deep = 1 - np.exp(-(picked % columns) / 4)
    return Mesh(
        np.concatenate([surface.points, inner]),
        np.concatenate([surface.anchors, surface.anchors[picked]]),
        np.concatenate([surface.faces, faces + len(surface.points)]),
        np.concatenate([surface.normals, -surface.normals[picked]]),
        np.concatenate([surface.tangents, surface.tangents[picked]]),
        np.concatenate([surface.alpha, np.ones(len(picked))]),
        np.concatenate([surface.tint, (0.75 + (INSIDE_SHADE - 0.75) * deep) * surface.tint[picked]]),
    )
