"""How much of the sky each point of the skin sees, estimated from the points around it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def ambient_occlusion(
    vertices: np.ndarray, normals: np.ndarray, areas: np.ndarray, radius: float
) -> np.ndarray:
    """``(V,)`` in [0, 1]: share of a point's surroundings that stands above its tangent plane.

    Args:
        vertices, normals: ``(V, 3)``; unit normals.
        areas: ``(V,)`` of surface that each vertex stands for.
        radius: how far to look.
    """
    pairs = cKDTree(vertices).query_pairs(radius, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    here, there = pairs.T
    offset = vertices[there] - vertices[here]
    distance = np.linalg.norm(offset, axis=1).clip(1e-9)
    rise = np.clip(np.einsum("ij,ij->i", offset, normals[here]) / distance - 0.08, 0, None)
    weight = areas[there] * (1 - distance / radius)
    count = len(vertices)
    total = np.bincount(here, weight, count).clip(1e-12)
    return np.bincount(here, weight * rise, count) / total
