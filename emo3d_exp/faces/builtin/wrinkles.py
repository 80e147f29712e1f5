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
        "wrinkle_browInnerUp": 0.21 * _forehead(x, y),
        "wrinkle_mouthShrugLower": 0.25 * bell(y + 1.40 - 0.9 * x**2, 0.018) * (1 - ramp(x, 0.15, 0.28)),
    }
    for side, sign in (("Left", 1), ("Right", -1)):
        share = 0.5 + 0.5 * np.sign(skin.vertices[:, 0]) * sign  # one half in the middle plane
        masks |= {f"wrinkle_{name}{side}": mask * share for name, mask in one_sided.items()}
    masks["age_lines"] = _age_lines(x, y)
    return {name: np.clip(mask * front, 0, 1) for name, mask in masks.items()}


def _forehead(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Three lines of uneven depth, the middle one longest."""
    lines = ((0.46, 0.55, 0.50), (0.58, 1.0, 0.66), (0.71, 0.7, 0.54))
    height = np.zeros_like(x)
    for level, depth, reach in lines:
        bend = 0.045 * np.cos(3.1 * x) + 0.008 * np.sin(13 * x + 20 * level)
        uneven = 0.8 + 0.2 * np.sin(9 * x + 31 * level)
        height += depth * uneven * bell(y - level - bend, 0.021) * (1 - ramp(x, 0.35 * reach, reach))
    return height


def _fold(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fold from the wing of the nose to beside the mouth: sharp inside, fading over the lip."""
    down = np.clip(-(y + 0.66), 0, 0.6)
    off = x - (0.25 + 0.50 * down - 0.12 * down**2)
    line = np.where(off > 0, bell(off, 0.022), bell(off, 0.050))
    return line * ramp(-y, 0.62, 0.78) * (1 - ramp(-y, 0.96, 1.18))


def _crows_feet(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Faint rays that fan out and bend downwards."""
    away = np.clip(x - 0.74, 0, None)
    rays = sum(
        depth * bell(y + 0.035 - slope * away + bend * away**2, 0.016 + 0.05 * away)
        for slope, bend, depth in ((0.75, 0.6, 0.7), (0.22, 0.4, 1.0), (-0.32, 0.3, 0.9), (-0.85, 0.2, 0.5))
    )
    return rays * ramp(x, 0.75, 0.82) * (1 - ramp(x, 0.83, 1.00))


def _under_eye(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    level = -0.150 - 0.10 * np.clip(0.5 - x, 0, 1) + 0.12 * np.clip(x - 0.55, 0, 1)
    return bell(y - level, 0.018) * ramp(x, 0.28, 0.40) * (1 - ramp(x, 0.55, 0.74))


def _frown_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A line beside the middle that leans outwards as it rises, and the shade beside it."""
    middle = 0.082 + 0.16 * (y - 0.22) - 0.25 * (y - 0.22) ** 2
    line = bell(x - middle, 0.017) + 0.30 * bell(x - middle - 0.02, 0.05)
    return line * ramp(y, 0.04, 0.18) * (1 - ramp(y, 0.24, 0.44))


def _dimple(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A crescent beside the corner of the mouth, deepest at its height."""
    round_corner = np.hypot(x - 0.40, 0.62 * (y + 1.10)) - 0.115
    beside = ramp(x, 0.42, 0.48) * bell(y + 1.07, 0.12)
    return np.where(round_corner > 0, bell(round_corner, 0.020), bell(round_corner, 0.045)) * beside


def _one_sided(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    outer = sum(bell(y - (level - 0.10 * (x - 0.5)), 0.021) for level in (0.52, 0.64))
    outer = outer * ramp(x, 0.30, 0.45) * (1 - ramp(x, 0.65, 0.85))
    bridge = sum(bell(y - level - 0.35 * x, 0.015) for level in (-0.16, -0.08)) * bell(x - 0.10, 0.05)
    eye = 0.15 * _crows_feet(x, y) + 0.18 * _under_eye(x, y)
    return {
        "browOuterUp": 0.17 * outer,
        "browDown": 0.32 * _frown_line(x, y),
        "mouthSmile": 0.30 * _fold(x, y),
        "noseSneer": 0.20 * _fold(x, y) + 0.25 * bridge,
        "mouthUpperUp": 0.20 * _fold(x, y),
        "mouthDimple": 0.34 * _dimple(x, y) + 0.16 * _fold(x, y),
        "cheekSquint": eye,
        "eyeSquint": 0.8 * eye,
    }


def _age_lines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lines of an old face at rest: forehead, brow, eyes, folds, corners of the mouth."""
    along = ramp(-y, 1.14, 1.20) * (1 - ramp(-y, 1.36, 1.50))
    marionette = bell(x - 0.44 + 0.10 * (y + 1.15), 0.018) * along
    lines = 0.26 * _forehead(x, y) + 0.20 * _frown_line(x, y) + 0.32 * _fold(x, y) + 0.24 * marionette
    return lines + 0.20 * _crows_feet(x, y) + 0.30 * _under_eye(x, y)
