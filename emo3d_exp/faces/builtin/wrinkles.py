"""Lines that appear in the skin with an expression, and those that age leaves.

A mask ``wrinkle_<blendshape>`` says how much darker the skin gets there at weight 1; all (V,).
"""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin.falloff import bell, ramp
from emo3d_exp.faces.builtin.profile import frontness
from emo3d_exp.faces.builtin.skin import Skin


def wrinkle_masks(skin: Skin) -> dict[str, np.ndarray]:
    """All wrinkle masks and ``age_lines``, by name."""
    x, y = np.abs(skin.vertices[:, 0]), skin.vertices[:, 1]
    front = frontness(skin.layout.theta)
    one_sided = _one_sided(x, y)
    masks = {
        "wrinkle_browInnerUp": 0.30 * _forehead(x, y),
        "wrinkle_mouthShrugLower": 0.25 * bell(y + 1.40 - 0.9 * x**2, 0.018) * (1 - ramp(x, 0.15, 0.28)),
    }
    for side, sign in (("Left", 1), ("Right", -1)):
        share = 0.5 + 0.5 * np.sign(skin.vertices[:, 0]) * sign  # one half in the middle plane
        masks |= {f"wrinkle_{name}{side}": mask * share for name, mask in one_sided.items()}
    masks["age_lines"] = _age_lines(x, y)
    return {name: np.clip(mask * front, 0, 1) for name, mask in masks.items()}


def _forehead(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    lines = ((0.50, 0.8), (0.63, 1.0))
    height = sum(a * bell(y - (level + 0.05 * np.cos(3.2 * x)), 0.014) for level, a in lines)
    return height * (1 - ramp(x, 0.35, 0.62))


def _fold(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fold from the wing of the nose to beside the mouth."""
    down = np.clip(-(y + 0.66), 0, 0.6)
    line = 0.25 + 0.50 * down - 0.12 * down**2
    return bell(x - line, 0.026) * ramp(-y, 0.64, 0.74) * (1 - ramp(-y, 1.00, 1.16))


def _crows_feet(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    rays = sum(bell(y + 0.03 - slope * (x - 0.72), 0.014) for slope in (-0.65, 0.0, 0.6))
    return rays * ramp(x, 0.77, 0.83) * (1 - ramp(x, 0.85, 0.95))


def _under_eye(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return bell(y + 0.155, 0.014) * ramp(x, 0.30, 0.42) * (1 - ramp(x, 0.62, 0.72))


def _frown_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return bell(x - 0.085 - 0.10 * (y - 0.22), 0.014) * ramp(y, 0.06, 0.16) * (1 - ramp(y, 0.30, 0.42))


def _one_sided(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    outer = sum(bell(y - (level - 0.06 * (x - 0.5)), 0.014) for level in (0.55, 0.68))
    outer = outer * ramp(x, 0.30, 0.45) * (1 - ramp(x, 0.65, 0.85))
    bridge = sum(bell(y - level - 0.35 * x, 0.012) for level in (-0.16, -0.08)) * bell(x - 0.11, 0.05)
    eye = 0.18 * _crows_feet(x, y) + 0.20 * _under_eye(x, y)
    return {
        "browOuterUp": 0.26 * outer,
        "browDown": 0.42 * _frown_line(x, y),
        "mouthSmile": 0.28 * _fold(x, y),
        "noseSneer": 0.20 * _fold(x, y) + 0.25 * bridge,
        "mouthUpperUp": 0.20 * _fold(x, y),
        "mouthDimple": 0.22 * bell(np.hypot(x - 0.47, 0.5 * (y + 1.10)), 0.020),
        "cheekSquint": eye,
        "eyeSquint": 0.8 * eye,
    }


def _age_lines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lines of an old face at rest: forehead, brow, eyes, folds, corners of the mouth."""
    along = ramp(-y, 1.14, 1.20) * (1 - ramp(-y, 1.36, 1.50))
    marionette = bell(x - 0.44 + 0.10 * (y + 1.15), 0.018) * along
    lines = 0.30 * _forehead(x, y) + 0.25 * _frown_line(x, y) + 0.32 * _fold(x, y) + 0.24 * marionette
    return lines + 0.20 * _crows_feet(x, y) + 0.30 * _under_eye(x, y)
