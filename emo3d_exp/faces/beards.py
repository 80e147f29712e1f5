"""Beards: hairs that stand on the skin of cheeks, lip and chin and follow every expression."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.overlay import COLORS, Overlay, bind
from emo3d_exp.faces.rig import PARTS, Rig
from emo3d_exp.faces.shading import NormalField

HAIRS = {"moustache": 260, "goatee": 430, "full": 760}
LENGTH = {"moustache": 0.10, "goatee": 0.12, "full": 0.13}
SEED = 23


def beard_mask(rig: Rig, beard: str) -> np.ndarray:
    """``(V,)`` float32 in [0, 1]: where a beard of this kind grows; "none" grows nowhere."""
    grown = rig.masks["stubble"].astype(np.float64)
    x, y = np.abs(rig.neutral[:, 0]), rig.neutral[:, 1]
    lip = (1 - smoothstep(x, 0.36, 0.54)) * smoothstep(y, -1.14, -1.06) * smoothstep(-y, 0.78, 0.86)
    chin = (1 - smoothstep(x, 0.34, 0.54)) * smoothstep(-y, 1.20, 1.36)
    beside = np.exp(-(((x - 0.46) / 0.085) ** 2)) * smoothstep(-y, 0.84, 1.0) * smoothstep(y, -1.6, -1.3)
    share = {"none": 0.0, "moustache": lip, "goatee": np.maximum(np.maximum(lip, chin), beside), "full": 1.0}
    skin = rig.part == PARTS.index("skin")
    return (np.clip(1.25 * grown, 0, 1) * share[beard] * skin).astype(np.float32)


def beard_hairs(rig: Rig, beard: str) -> Overlay:
    """Hairs of a beard, of three vertices each; mirrored.

    Args:
        rig: with the mask ``stubble``.
        beard: a key of :data:`HAIRS`.
    """
    rng = np.random.default_rng(SEED)
    root, normal, share = _roots(rig, beard_mask(rig, beard), HAIRS[beard] // 2, rng)
    down = _direction(root, normal, rng)
    reach = LENGTH[beard] * rng.uniform(0.6, 1.15, len(root)) * (0.5 + 0.5 * share)
    over_lip = (root[:, 0] < f.MOUTH_HALF_WIDTH) & (root[:, 1] > f.mouth_line(root[:, 0]))
    room = np.clip(root[:, 1] - f.upper_lip_edge(root[:, 0]) + 0.015, 0.02, None)
    reach = np.where(over_lip, np.minimum(reach, room), reach)
    side = np.cross(normal, down)
    half = 0.5 * rng.uniform(0.011, 0.019, len(root))[:, None] * side
    tip = root + reach[:, None] * down
    corners = np.stack([root - half, root + half, tip], axis=1).reshape(-1, 3)
    points = np.concatenate([corners, corners * [-1, 1, 1]])
    lift = np.stack([0 * reach + 0.004, 0 * reach + 0.004, 0.008 + 0.22 * reach], axis=1).ravel()
    tangent = np.repeat(down, 3, axis=0)
    return _overlay(
        rig, points, np.tile(lift, 2), np.concatenate([tangent, tangent * [-1, 1, 1]]), share, rng
    )


def _roots(rig: Rig, mask: np.ndarray, count: int, rng: np.random.Generator) -> tuple:
    """Places of the left half, their normals and the mask there, drawn by area and mask."""
    corners, weight = rig.neutral[rig.faces].astype(np.float64), mask[rig.faces].mean(axis=1)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    left = corners[:, :, 0].min(axis=1) > -1e-6
    chance = np.linalg.norm(across, axis=1) * weight**1.3 * left
    chosen = rng.choice(len(corners), count, p=chance / chance.sum())
    bary = rng.dirichlet([1, 1, 1], count)
    normals = NormalField(rig.faces, len(rig.neutral))(rig.neutral)
    normal = (bary[..., None] * normals[rig.faces[chosen]]).sum(axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return (bary[..., None] * corners[chosen]).sum(axis=1), normal, weight[chosen]


def _direction(root: np.ndarray, normal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Down, a little outwards over the lip and inwards at the jaw, along the skin."""
    outwards = np.where(root[:, 1] > -1.12, 0.55, -0.15) * np.clip(root[:, 0] / 0.3, 0, 1)
    aim = np.column_stack([outwards, np.full(len(root), -1.0), np.zeros(len(root))])
    aim += rng.normal(0, 0.18, aim.shape)
    aim -= (aim * normal).sum(axis=1, keepdims=True) * normal
    return aim / np.linalg.norm(aim, axis=1, keepdims=True)


def _overlay(rig, points, lift, tangents, share: np.ndarray, rng: np.random.Generator) -> Overlay:
    count = len(points)
    faces = np.arange(count).reshape(-1, 3)
    faces[len(faces) // 2 :] = faces[len(faces) // 2 :, ::-1]
    show = np.repeat(np.clip(0.45 + 0.7 * share, 0, 1), 3) * np.tile([0.8, 0.8, 0.75], len(share))
    return Overlay(
        faces=faces.astype(np.int32),
        binding=bind(rig, points),
        offset=np.zeros((count, 3), np.float32),
        lift=lift.astype(np.float32),
        normals=np.zeros((count, 3), np.float32),
        tangents=tangents.astype(np.float32),
        alpha=np.tile(show, 2).astype(np.float32),
        tint=np.tile(np.repeat(rng.uniform(0.75, 1.7, len(share)), 3), 2).astype(np.float32),
        color=np.full(count, COLORS.index("beard"), np.uint8),
        rank=np.zeros(count, np.float32),
    )
