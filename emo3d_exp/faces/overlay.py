"""Extra meshes that are drawn beside a rig and follow its skin: hair, brows, beards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from emo3d_exp.faces.rig import PARTS, Rig

COLORS: tuple[str, ...] = ("hair", "brow", "beard")
"""What ``Overlay.color`` points into."""


@dataclass(frozen=True)
class Overlay:
    """A mesh bound to a rig's vertices.

    A vertex lies at ``binding @ posed + offset + lift * normal of the skin below``. Its colour is mixed
    with that of the skin below by ``alpha``, so that edges fade without transparency.

    Attributes:
        faces: ``(T, 3)`` int32 into the overlay's own N vertices.
        binding: ``(N, V)`` sparse, rows of barycentric weights that sum to 1.
        offset: ``(N, 3)`` float32, in the rig's unit, the same for every expression.
        lift: ``(N,)`` float32 along the skin's normal.
        normals: ``(N, 3)`` float32 of unit length; zero takes the skin's.
        tangents: ``(N, 3)`` float32 of unit length, along the hair.
        alpha: ``(N,)`` float32 in [0, 1].
        tint: ``(N,)`` float32 brightness, about 1.
        color: ``(N,)`` uint8 into :data:`COLORS`.
        rank: ``(N,)`` float32 in [0, 1]: sparse growth shows low ranks only.
    """

    faces: np.ndarray
    binding: sparse.csr_matrix
    offset: np.ndarray
    lift: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    alpha: np.ndarray
    tint: np.ndarray
    color: np.ndarray
    rank: np.ndarray

    def place(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Positions ``(N, 3)`` on a posed rig's vertices and normals ``(V, 3)``."""
        return self.binding @ vertices + self.offset + self.lift[:, None] * (self.binding @ normals)

    def rebound(self, rig: Rig, other: Rig) -> Overlay:
        """The same mesh, at rest, bound to another mesh of the same head: its light rig, say."""
        anchors = self.binding @ rig.neutral
        binding = bind(other, anchors)
        offset = (self.offset + anchors - binding @ other.neutral).astype(np.float32)
        return replace(self, binding=binding, offset=offset)

    def part(self, rows: np.ndarray, columns: np.ndarray) -> Overlay:
        """Some of the vertices, without triangles, bound to ``columns`` of the rig's vertices only."""
        names = [name for name in Overlay.__dataclass_fields__ if name not in ("faces", "binding")]
        rest = {name: getattr(self, name)[rows] for name in names}
        return Overlay(np.empty((0, 3), np.int32), self.binding[rows][:, columns], **rest)


def join(overlays: Sequence[Overlay]) -> Overlay:
    """One overlay of several of the same rig."""
    starts = np.cumsum([0] + [len(one.lift) for one in overlays])
    faces = [one.faces + start for one, start in zip(overlays, starts, strict=False)]
    binding = sparse.vstack([one.binding for one in overlays], format="csr")
    names = [name for name in Overlay.__dataclass_fields__ if name not in ("faces", "binding")]
    rest = {name: np.concatenate([getattr(one, name) for one in overlays]) for name in names}
    return Overlay(np.concatenate(faces).astype(np.int32), binding, **rest)


def bind(rig: Rig, points: np.ndarray, candidates: int = 10) -> sparse.csr_matrix:
    """``(N, V)`` weights of the nearest points of the skin to ``points`` (N, 3)."""
    from scipy.spatial import cKDTree

    faces = rig.faces[(rig.part[rig.faces] == PARTS.index("skin")).all(axis=1)]
    corners = rig.neutral[faces].astype(np.float64)
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=candidates)
    weights = _barycentric(np.asarray(points, np.float64)[:, None], corners[near])
    reached = (weights[..., None] * corners[near]).sum(axis=2)
    best = np.linalg.norm(reached - points[:, None], axis=2).argmin(axis=1)
    rows = np.arange(len(points))
    entries = weights[rows, best].astype(np.float32).ravel()
    columns = faces[near[rows, best]].ravel()
    return sparse.csr_matrix((entries, (np.repeat(rows, 3), columns)), (len(points), len(rig.neutral)))


def _barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """``(…, 3)`` weights of the projection on triangles ``(…, 3, 3)``, pushed inside."""
    a, b, c = np.moveaxis(corners, -2, 0)
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    area = np.maximum(uu * vv - uv * uv, 1e-18)
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=-1), 0, None)
    return weights / weights.sum(axis=-1, keepdims=True)
