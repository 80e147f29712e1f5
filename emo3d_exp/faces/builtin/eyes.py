"""Eyeballs with iris and pupil along exact rings, and the glint of light on them."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.falloff import ramp
from emo3d_exp.faces.builtin.mesh import facing, grid_faces
from emo3d_exp.faces.builtin.piece import SHAPE_INDEX, Piece, rotated

_SPOKES = 36
_TURNS = {
    # degrees to the subject's left (for the left eye) and downwards
    "eyeLookOut": (28.0, 0.0),
    "eyeLookIn": (-28.0, 0.0),
    "eyeLookUp": (0.0, -20.0),
    "eyeLookDown": (0.0, 24.0),
}
_GLINT = np.array([0.0, 0.050, f.EYE_RADIUS + 0.002])
_GLINT_RADIUS = 0.016


def _angles() -> tuple[np.ndarray, float, float]:
    """Angles (degrees) of the rings from the front pole, and those of iris and pupil."""
    iris = np.degrees(np.arcsin(f.IRIS_RADIUS / f.EYE_RADIUS))
    pupil = np.degrees(np.arcsin(f.PUPIL_RADIUS / f.EYE_RADIUS))
    inner = [0.6, pupil * 0.6, pupil * 0.96, pupil * 1.04, pupil * 1.5, iris * 0.75]
    outer = [iris * 0.90, iris * 0.985, iris * 1.05, iris * 1.25, 40, 50, 60, 70, 80, 92]
    return np.array(inner + outer), iris, pupil


def _ball() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    angles, iris, pupil = _angles()
    a = np.repeat(angles, _SPOKES)
    around = np.tile(np.arange(_SPOKES) / _SPOKES * 2 * np.pi, len(angles))
    sine = np.sin(np.deg2rad(a))
    points = np.stack([sine * np.cos(around), sine * np.sin(around), np.cos(np.deg2rad(a))], 1)
    points *= f.EYE_RADIUS
    points[:, 2] += 0.006 * np.exp(-((a / 20) ** 4))
    within = (a < iris).astype(float)
    top = 1 - ramp(-points[:, 1], -0.10, -0.02)
    masks = {
        "pupil": (a < pupil).astype(float),
        "iris": within,
        "iris_rim": within * (a > iris * 0.95),
        "iris_depth": within * np.clip((a - pupil) / (iris - pupil), 0, 1),
        "sclera_shade": np.clip(0.55 * ramp(a, 38, 75) + 0.35 * top * (1 - within), 0, 1),
    }
    return points, grid_faces(len(angles), _SPOKES, wrap=True), masks


def eyeball(side: str) -> Piece:
    """The eyeball of ``side`` "left" or "right", turned by the four eyeLook shapes of its side."""
    sign = 1.0 if side == "left" else -1.0
    points, faces, masks = _ball()
    points = points * [sign, 1, 1]
    piece = Piece(f"eye_{side}", points + np.array(f.EYE_CENTRE) * [sign, 1, 1], faces, masks=masks)
    piece.faces = facing(points, faces, points[faces].mean(1))
    for shape, (yaw, pitch) in _TURNS.items():
        turned = rotated(points, sign * yaw, pitch) - points
        piece.deltas[SHAPE_INDEX[shape + side.capitalize()]] = turned
    return piece


def glint(side: str) -> Piece:
    """A small disc of light just in front of the eyeball; it stays where the light is."""
    sign = 1.0 if side == "left" else -1.0
    around = np.arange(10) / 10 * 2 * np.pi + np.pi / 2
    rim = _GLINT_RADIUS * np.stack([np.cos(around), np.sin(around), 0 * around], 1)
    centre = (np.array(f.EYE_CENTRE) + _GLINT) * [sign, 1, 1]
    vertices = np.concatenate([np.zeros((1, 3)), rim * [sign, 1, 1]]) + centre
    index = np.arange(10)
    faces = np.stack([0 * index, 1 + index, 1 + (index + 1) % 10], 1)
    return Piece("catchlight", vertices, facing(vertices, faces, np.array([0.0, 0.0, 1.0])))
