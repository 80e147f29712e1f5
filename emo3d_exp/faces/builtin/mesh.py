"""Triangles of the skin, mirroring, and the cotangent Laplacian that smooths and interpolates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.layout import LID_RINGS, Kind, Layout, face_to_plane, inside, offset_curve

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def triangulate(layout: Layout) -> np.ndarray:
    """Triangles (T, 3) of the left half, counter-clockwise seen from outside, without eyes and mouth."""
    from scipy.spatial import Delaunay

    plane = layout.plane()
    faces = Delaunay(plane).simplices
    faces = faces[~(_in_eye(plane[faces].mean(1)) | _in_mouth(layout, faces))]
    a, b, c = (plane[faces[:, i]] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    faces[area < 0] = faces[area < 0][:, [0, 2, 1]]
    return faces[np.abs(area) > 1e-8]


def _in_eye(centres: np.ndarray) -> np.ndarray:
    return inside(face_to_plane(offset_curve(f.eye_contour(), LID_RINGS[0], closed=True)), centres)


def _in_mouth(layout: Layout, faces: np.ndarray) -> np.ndarray:
    kind, row = layout.kind[faces], layout.row[faces]
    upper, lower, corner = (kind == k for k in (Kind.UPPER_LIP, Kind.LOWER_LIP, Kind.MOUTH_CORNER))
    between_inner_rows = np.all((upper | lower) & (row <= -0.99) | corner, axis=1)
    across = upper.any(1) & lower.any(1) & ~corner.any(1)
    return between_inner_rows | across


def mirror_half(seam: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join a half and its mirror image along the seam.

    ``seam`` (N,) marks the vertices in the middle plane. Returns ``source`` (V,), the vertex of the
    half that each vertex of the whole copies (the first N are the half itself), the faces of the
    whole, and ``mirror`` (V,), the index of each vertex's mirror image.
    """
    count = len(seam)
    other = np.flatnonzero(~seam)
    image = np.arange(count)
    image[other] = count + np.arange(len(other))
    source = np.concatenate([np.arange(count), other])
    mirror = np.concatenate([image, other])
    return source, np.concatenate([faces, image[faces][:, [0, 2, 1]]]), mirror


def mirrored(values: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Positions or motions (..., V, 3) as seen in a mirror."""
    return values[..., mirror, :] * np.array([-1.0, 1.0, 1.0])


def cotangent_laplacian(
    vertices: np.ndarray, faces: np.ndarray, least: float = 0.0
) -> tuple[csr_matrix, np.ndarray]:
    """Positive semidefinite Laplacian (V, V) and vertex areas (V,); cotangents clipped to [least, 6]."""
    from scipy.sparse import coo_matrix, diags

    count = len(vertices)
    rows, columns, weights = [], [], []
    areas = np.full(count, 1e-7)
    for k in range(3):
        i, j, o = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        u, v = vertices[i] - vertices[o], vertices[j] - vertices[o]
        double_area = np.linalg.norm(np.cross(u, v), axis=1)
        cotangent = np.clip((u * v).sum(1) / (double_area + 1e-9), least, 6.0) * 0.5
        rows += [i, j]
        columns += [j, i]
        weights += [cotangent, cotangent]
        areas += np.bincount(faces[:, k], double_area / 6, count)
    index = (np.concatenate(rows), np.concatenate(columns))
    adjacency = coo_matrix((np.concatenate(weights), index), shape=(count, count)).tocsr()
    return diags(np.asarray(adjacency.sum(1)).ravel()) - adjacency, areas


def smoothed(values: np.ndarray, vertices: np.ndarray, faces: np.ndarray, amount: float) -> np.ndarray:
    """Values (V,) after one implicit step of heat flow; ``amount`` is a squared length."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import spsolve

    laplacian, areas = cotangent_laplacian(vertices, faces)
    return spsolve((diags(areas) + amount * laplacian).tocsc(), areas * values)


def grid_faces(rows: int, columns: int, wrap: bool = False) -> np.ndarray:
    """Triangles of a grid of vertices in row-major order; ``wrap`` joins last and first column."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    return np.stack([a, b, d, a, d, c], -1).reshape(-1, 3)


def facing(vertices: np.ndarray, faces: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """The faces, all turned over if on the whole they look away from ``towards`` (3,) or (T, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    if (np.cross(b - a, c - a) * towards).sum() < 0:
        return faces[:, [0, 2, 1]]
    return faces
