"""Masks of the skin: where lips, brows, hair, shadows and the like are; each (V,) in [0, 1]."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.falloff import bell, blob, ramp
from emo3d_exp.faces.builtin.layout import Kind
from emo3d_exp.faces.builtin.nose import nostrils
from emo3d_exp.faces.builtin.profile import frontness
from emo3d_exp.faces.builtin.skin import Skin


def skin_masks(skin: Skin) -> dict[str, np.ndarray]:
    """All masks of the skin but the wrinkles, by name."""
    x, y = np.abs(skin.vertices[:, 0]), skin.vertices[:, 1]
    front = frontness(skin.layout.theta)
    masks = _lip_masks(skin) | _eye_masks(skin) | _hair_masks(skin)
    masks |= {
        "brows": _brows(x, y) * front,
        "nostril": nostrils(x, y) * front,
        "occlusion": _occlusion(skin, x, y) * (0.6 * front + 0.4),
        "blush": _blush(x, y) * front,
        "skin_mottle": _mottle(x, y),
        "forehead": ramp(y, 0.22, 0.62) * (1 - ramp(x, 0.55, 1.05)) * front,
        "under_eye": _under_eye(x, y) * front,
        "freckles": _freckles(x, y) * front,
    }
    return {name: np.clip(mask, 0, 1) for name, mask in masks.items()}


def _lip_masks(skin: Skin) -> dict[str, np.ndarray]:
    kind, row = skin.layout.kind, skin.layout.row
    lip = np.isin(kind, (Kind.UPPER_LIP, Kind.LOWER_LIP))
    red = np.where(lip, 1 - ramp(row, 0.70, 1.04), 0.0)
    red[kind == Kind.MOUTH_CORNER] = 0.6
    return {"lips": red, "inner_lips": np.where(lip, 1 - ramp(row, -0.5, 0.10), 0.0)}


def _eye_masks(skin: Skin) -> dict[str, np.ndarray]:
    kind, ring = skin.layout.kind, skin.layout.ring
    upper, lower, corner = (kind == k for k in (Kind.UPPER_LID, Kind.LOWER_LID, Kind.EYE_CORNER))
    lashes = np.where(upper, 1 - ramp(ring, 0.006, 0.019), 0.0)
    lashes += np.where(lower | corner, 0.45 * (1 - ramp(ring, 0.0, 0.012)), 0.0)
    middle = ramp(f.lid_arch(skin.vertices[:, 0]), 0.0, 0.5)
    crease = np.where(upper, 0.5 * bell(ring - 0.060, 0.009), 0.0)
    crease += np.where(lower, 0.10 * bell(ring - 0.070, 0.02), 0.0)
    wet = np.where((upper | lower | corner) & (ring < 0), 1.0, 0.0)
    return {"lashes": lashes, "crease": crease * middle, "wet": wet}


def _brows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Soft-edged brows, lighter at the inner end."""
    off = (y - f.brow_line(x)) / np.maximum(f.brow_half_height(x), 0.004)
    t = np.clip((x - 0.15) / 0.8, 0, 1)
    body = (1 - ramp(np.abs(off), 0.72, 1.22)) * ramp(x, 0.14, 0.22) * (1 - ramp(x, 0.86, 0.98))
    return body * (0.76 + 0.24 * ramp(t, 0, 0.25))


def _hair_masks(skin: Skin) -> dict[str, np.ndarray]:
    """Hair with a soft edge, its strands (0.5 = mean brightness), and the area where a beard grows."""
    theta, v = skin.layout.theta, skin.layout.v
    a = np.abs(theta)
    wave = 0.014 * np.sin(11 * a + 0.6) + 0.009 * np.sin(23 * a + 2.0)
    in_front = ramp(v - f.hairline(a) - wave, -0.06, 0.11)
    behind = ramp(v, -1.0, -0.78) * ramp(-np.cos(theta), 0.02, 0.14)
    hair = np.where(np.cos(theta) < 0.05, np.maximum(in_front, behind), in_front)
    strands = 0.5 + 0.16 * np.sin(15 * a + 2 * np.sin(3 * v)) + 0.12 * np.sin(26 * a + np.sin(5 * v))
    x, y = np.abs(skin.vertices[:, 0]), skin.vertices[:, 1]
    stubble = _beard(x, y, a, v) * (1 - _lip_masks(skin)["lips"])
    return {"hair": hair, "hair_strands": strands, "stubble": stubble}


def _beard(x: np.ndarray, y: np.ndarray, angle: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Cheeks below a line from ear to mouth, upper lip, chin, upper neck; soft and a little uneven."""
    line = -0.98 + 0.80 * np.clip(x - 0.45, 0, 0.6)
    cheek = ramp(line - y, -0.16, 0.20) * (1 - ramp(angle, 1.15, 1.55))
    upper_lip = ramp(-0.80 - 0.22 * x - y, -0.02, 0.08) * (1 - ramp(x, 0.34, 0.50))
    burn = bell(angle - 1.27, 0.13) * ramp(-y, 0.05, 0.35) * (1 - ramp(-y, 0.75, 1.05))
    chin_sides = 1 - 0.35 * bell(x - 0.33, 0.10) * bell(y + 1.28, 0.08)
    grown = np.maximum(np.maximum(cheek, upper_lip), 0.8 * burn) * (1 - ramp(-v, 1.72, 2.10)) * chin_sides
    uneven = np.sin(31 * x + 4 * np.sin(19 * y)) * np.sin(37 * y + 3 * np.sin(23 * x))
    return grown * (0.90 + 0.10 * uneven)


def _under_eye(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Thin skin below the eye and at the side of the bridge."""
    return 0.8 * blob(x, y, (0.44, -0.20), (0.19, 0.065)) + 0.7 * blob(x, y, (0.265, -0.09), (0.055, 0.09))


def _freckles(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spots on cheeks and nose, as fine as the mesh allows."""
    place = blob(x, y, (0.50, -0.42), (0.34, 0.19)) + 0.9 * blob(x, y, (0.0, -0.40), (0.16, 0.16))
    noise = np.sin(12.9898 * 37 * x + 78.233 * 41 * y) * 43758.5453
    return np.clip(place, 0, 1) * ramp(noise - np.floor(noise), 0.72, 0.80)


def _occlusion(skin: Skin, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where little light comes: sockets, beside and under the nose, under lip and chin."""
    fold = x - (0.28 + 0.45 * np.clip(-(y + 0.66), 0, 0.6))
    wing = np.hypot(x - 0.165, (y + 0.655) / 1.12) - 0.115
    dark = 0.09 * blob(x, y, (0.26, -0.03), (0.055, 0.11))
    dark += 0.14 * bell(wing, 0.015) * ramp(x, 0.17, 0.24)
    dark += 0.20 * bell(y + 0.775, 0.028) * bell(x, 0.14)
    dark += 0.18 * bell(y + 1.325, 0.04) * bell(x, 0.22)
    dark += 0.22 * blob(x, y, (0.425, -1.135), (0.03, 0.03))
    dark += 0.07 * bell(fold, 0.03) * ramp(-y, 0.66, 0.80) * ramp(y, -1.2, -1.05)
    dark += 0.10 * blob(x, y, (1.04, 0.36), (0.10, 0.26))  # temples
    dark += 0.06 * blob(x, y, (0.80, -0.98), (0.20, 0.26))  # hollow of the cheek
    under_chin = ramp(-skin.layout.v, 1.80, 1.97) * (1 - 0.5 * ramp(-skin.layout.v, 2.2, 3.2))
    return dark + 0.42 * under_chin


def _blush(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    cheek, nose = blob(x, y, (0.60, -0.52), (0.25, 0.22)), blob(x, y, (0, -0.56), (0.17, 0.16))
    return 0.8 * cheek + 0.7 * nose + 0.3 * bell(y + 1.55, 0.12) * bell(x, 0.2)


def _mottle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Faint unevenness of the skin's brightness; 0.5 is the mean."""
    waves = ((7.1, 3.0, 1.0), (-4.3, 6.9, 0.3), (11.7, -8.1, 2.1), (5.9, 15.1, 4.0), (-17.3, 6.1, 5.2))
    return 0.5 + 0.05 * sum(np.sin(a * x + b * y + phase + np.sin(3 * y + 2 * x)) for a, b, phase in waves)
