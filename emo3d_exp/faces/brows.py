"""Hairs of the brows: thin leaves that lie on the skin and move with it."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.overlay import COLORS, Overlay, bind
from emo3d_exp.faces.rig import PARTS, Rig

HAIRS = 230
"""A brow's."""

BROADER = 1.8
"""Width of a hair among half as many."""

SEED = 11


def brow_hairs(rig: Rig, sparse: bool = False) -> Overlay:
    """Both brows, mirrored; sparse ones have half of the hairs, broader."""
    rng = np.random.default_rng(SEED)
    along, across = _roots(rng)
    root, direction, length = _growth(rng, along, across)
    width = rng.uniform(0.0065, 0.0105, HAIRS) * (1 - 0.25 * along)
    kept = slice(None)
    if sparse:
        kept, width = slice(None, None, 2), width * BROADER
    leaves = _leaves(root, direction, length, width)[kept]
    flat = np.concatenate([leaves.reshape(-1, 2), leaves.reshape(-1, 2) * [-1, 1]])
    return _bound(rig, flat, np.tile(_fade(rng, along, across)[kept], 2), rng)


def _roots(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places along (0 inner end, 1 outer) and across (-1 lower edge, 1 upper) a brow, evenly spread."""
    along = (np.arange(HAIRS) + rng.random(HAIRS)) / HAIRS
    return along**1.08, np.clip(rng.normal(0, 0.42, HAIRS), -0.95, 0.8)


def _growth(rng, along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = f.BROW_INNER + 0.01 + along * (f.BROW_OUTER - f.BROW_INNER - 0.06)
    y = f.brow_line(x) + across * np.maximum(f.brow_half_height(x), 0.012) - 0.018
    slope = (f.brow_line(x + 0.01) - f.brow_line(x - 0.01)) / 0.02
    rise = np.deg2rad(72 * (1 - along) ** 2.2 + 14 - 30 * across * (0.35 + 0.65 * along))
    angle = np.arctan(slope) + rise + rng.normal(0, 0.09, HAIRS)
    length = (0.088 - 0.012 * along) * rng.uniform(0.75, 1.15, HAIRS) * (1 - 0.15 * np.abs(across))
    return np.stack([x, y], 1), np.stack([np.cos(angle), np.sin(angle)], 1), length


def _leaves(root: np.ndarray, direction: np.ndarray, length: np.ndarray, width: np.ndarray) -> np.ndarray:
    """``(H, 4, 2)``: root, the two sides, tip; bent a little outwards."""
    side = np.stack([-direction[:, 1], direction[:, 0]], 1)
    middle = root + 0.42 * length[:, None] * direction
    tip = root + length[:, None] * (direction - 0.14 * side)
    half = 0.5 * width[:, None] * side
    return np.stack([root, middle + half, middle - half, tip], 1)


def _fade(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """How much a hair shows: less at the inner end and at the edges."""
    return (0.55 + 0.45 * np.clip(along / 0.18, 0, 1)) * (1 - 0.25 * across**2) * rng.uniform(0.8, 1, HAIRS)


def _bound(rig: Rig, flat: np.ndarray, fade: np.ndarray, rng: np.random.Generator) -> Overlay:
    hairs = len(flat) // 4
    rank = np.tile(rng.random(hairs // 2) * 1.3, 2)
    tint = np.tile(rng.uniform(0.8, 1.25, hairs // 2), 2)
    corner = 4 * np.arange(hairs)[:, None]
    faces = (corner + np.array([0, 2, 1, 1, 2, 3])).reshape(-1, 3)
    faces[hairs:] = faces[hairs:, ::-1]
    zero = np.zeros((len(flat), 3), np.float32)
    return Overlay(
        faces=faces.astype(np.int32),
        binding=bind(rig, on_face(rig, flat)),
        offset=zero,
        lift=np.tile(np.float32([0.006, 0.012, 0.012, 0.014]), hairs),
        normals=zero,
        tangents=np.repeat(_directions(flat), 4, axis=0),
        alpha=(np.repeat(fade, 4) * np.tile([0.55, 1.0, 1.0, 0.1], hairs)).astype(np.float32),
        tint=np.repeat(tint, 4).astype(np.float32),
        color=np.full(len(flat), COLORS.index("brow"), np.uint8),
        rank=np.repeat(rank, 4).astype(np.float32),
    )


def _directions(flat: np.ndarray) -> np.ndarray:
    leaves = flat.reshape(-1, 4, 2)
    step = leaves[:, 3] - leaves[:, 0]
    step = step / np.linalg.norm(step, axis=1, keepdims=True)
    return np.column_stack([step, np.zeros(len(step))]).astype(np.float32)


def on_face(rig: Rig, flat: np.ndarray) -> np.ndarray:
    """Points ``(N, 3)`` of the face in front at ``flat`` (N, 2) x and y."""
    from scipy.spatial import cKDTree

    front = rig.neutral[(rig.part == PARTS.index("skin")) & (rig.neutral[:, 2] > -0.75)].astype(np.float64)
    gap, near = cKDTree(front[:, :2]).query(flat, k=3)
    weight = 1 / (gap + 1e-4)
    z = (front[near, 2] * weight).sum(1) / weight.sum(1)
    return np.column_stack([flat, z])
