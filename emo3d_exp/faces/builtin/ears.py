"""Ears: a shell with rim, inner fold, hollow and lobe, standing off the side of the head."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin.falloff import bell, ramp
from emo3d_exp.faces.builtin.mesh import facing, grid_faces
from emo3d_exp.faces.builtin.piece import Piece

_CENTRE = np.array([1.105, -0.30, -0.90])
_RINGS, _SPOKES = 14, 30
_FLARE = 0.50
"""How far the ear's back edge stands off, per unit of its depth."""


def _outline(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Backward and upward reach of the rim; angle 0 points backwards, 90 degrees up."""
    up = np.sin(angle)
    back = 0.215 * (1 + 0.22 * up) * np.cos(angle) + 0.05 * up
    return back, 0.40 * up * np.where(up < 0, 0.98, 1.0)


def _shell_height(r: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Relief over the ear's plane: rim, inner fold and hollow; r = 1 at the edge."""
    behind = ramp(np.cos(angle - 0.35), -0.75, -0.1)
    rim = 0.055 * bell(r - 0.88, 0.07) * behind
    fold = 0.040 * bell(r - 0.56, 0.08) * behind
    tragus = 0.060 * bell(r - 0.55, 0.14) * bell(np.cos(angle + 0.25) + 1, 0.10)
    hollow = 0.060 * np.exp(-((r / 0.42) ** 4)) + 0.02 * bell(r - 0.72, 0.05) * behind
    return rim + fold + tragus - hollow


def ear(side: str) -> Piece:
    """The ear of ``side`` "left" or "right"; it does not move."""
    sign = 1.0 if side == "left" else -1.0
    r = np.repeat(np.append(np.linspace(0.004, 1, _RINGS - 2), [1.03, 0.90]), _SPOKES)
    angle = np.tile(np.arange(_SPOKES) / _SPOKES * 2 * np.pi, _RINGS)
    layer = np.repeat(np.arange(_RINGS), _SPOKES)
    back, up = (reach * r for reach in _outline(angle))
    height = _shell_height(np.minimum(r, 1), angle)
    height = height - np.where(layer == _RINGS - 2, 0.035, 0) - np.where(layer == _RINGS - 1, 0.16, 0)
    stand_off = _FLARE * (back + 0.20) - 0.05 * ramp(-up, 0.2, 0.42) + 0.03 * up
    points = np.stack([stand_off + 0.9 * height, up - 0.12 * back, -back + 0.35 * height - 0.10 * up], 1)
    vertices = (points + _CENTRE) * [sign, 1, 1]
    faces = facing(vertices, grid_faces(_RINGS, _SPOKES, wrap=True), np.array([sign, 0.0, 0.0]))
    canal = 0.62 * np.exp(-((r / 0.45) ** 4)) + 0.3 * np.exp(-((r / 0.16) ** 2))
    masks = {
        "occlusion": np.clip(canal + 0.30 * bell(r - 0.72, 0.05), 0, 1),
        "blush": np.full(len(vertices), 0.45),
    }
    return Piece("ear", vertices, faces, masks=masks)
