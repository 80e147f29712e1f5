"""How often a camera sees each vertex of a rig."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.rig import Rig
from emo3d_exp.vocab import BLENDSHAPES

SIDE = 112
YAWS = (-30.0, 0.0, 30.0)
TOLERANCE = 0.012
"""In head heights: how far a vertex may lie behind the surface that is seen at its pixel."""


def visibility(rig: Rig, seed: int = 0, random: int = 24) -> np.ndarray:
    """Share of views ``(V,)`` in [0, 1] in which a vertex shows.

    The faces are the neutral one, each blendshape alone and ``random`` mixtures; each is seen from the front
    and from both sides.
    """
    rng = np.random.default_rng(seed)
    mixed = rng.random((random, len(BLENDSHAPES))) * (rng.random((random, len(BLENDSHAPES))) < 0.12)
    faces = np.concatenate([np.eye(len(BLENDSHAPES)), mixed]).astype(np.float32)
    camera, seen = Camera(rig, 0.06), np.zeros(len(rig.neutral), np.int64)
    for number, face in enumerate(faces):
        look = Look(yaw=YAWS[number % len(YAWS)])
        seen += _shows(camera.view(rig.vertices(face[None])[0], camera.rotation(look), look), rig, look)
    return seen / len(faces)


def _shows(view: np.ndarray, rig: Rig, look: Look) -> np.ndarray:
    import cv2

    depth = np.full((SIDE, SIDE), Camera.far, np.float32)
    lens = float(np.deg2rad(look.fov))
    eye = np.eye(4, dtype=np.float32)
    cv2.triangleRasterizeDepth(view, rig.faces, depth, eye, lens, Camera.near, Camera.far)
    depth = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    scale = SIDE / (2 * np.tan(lens / 2))
    column = np.clip(SIDE / 2 - view[:, 0] / view[:, 2] * scale, 0, SIDE - 1).astype(np.int64)
    row = np.clip(SIDE / 2 + view[:, 1] / view[:, 2] * scale, 0, SIDE - 1).astype(np.int64)
    return -view[:, 2] <= depth[row, column] + TOLERANCE
