"""Colours of the default look, for viewers that know nothing of masks."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.rig import PARTS

_SKIN = np.array([0.83, 0.63, 0.53])
_LIPS = np.array([0.74, 0.40, 0.38])
_HAIR = np.array([0.16, 0.11, 0.08])
_IRIS = np.array([0.34, 0.22, 0.12])


def _mixed(base: np.ndarray, amount: np.ndarray, color: np.ndarray) -> np.ndarray:
    amount = np.asarray(amount)[:, None]
    return base * (1 - amount) + amount * color


def _skin_color(masks: dict[str, np.ndarray], count: int) -> np.ndarray:
    color = np.tile(_SKIN, (count, 1))
    layers = (
        ("blush", 0.35, _SKIN * [1.02, 0.82, 0.80]),
        ("occlusion", 0.90, _SKIN * [0.45, 0.34, 0.32]),
        ("crease", 1.00, _SKIN * [0.52, 0.40, 0.37]),
        ("lips", 0.85, _LIPS),
        ("inner_lips", 0.80, _LIPS * 0.30),
        ("nostril", 0.90, _SKIN * 0.16),
        ("wet", 0.70, _SKIN * [0.90, 0.62, 0.58]),
        ("brows", 0.92, _HAIR * 1.2),
        ("lashes", 0.92, _HAIR * 0.4),
        ("hair", 1.00, _HAIR),
    )
    for name, strength, layer in layers:
        color = _mixed(color, masks[name] * strength, layer)
    return color


def _eye_color(masks: dict[str, np.ndarray], count: int) -> np.ndarray:
    color = np.tile([0.90, 0.88, 0.86], (count, 1)) * (1 - 0.4 * masks["sclera_shade"][:, None])
    color = _mixed(color, masks["iris"], _IRIS * 1.1)
    color = _mixed(color, masks["iris_rim"], _IRIS * 0.38)
    return _mixed(color, masks["pupil"], np.full(3, 0.02))


def default_colors(part: np.ndarray, masks: dict[str, np.ndarray]) -> np.ndarray:
    """Linear RGB (V, 3) float32 in [0, 1]; the figures above are sRGB."""
    count = len(part)
    color = _skin_color(masks, count)
    teeth = np.tile([0.93, 0.90, 0.84], (count, 1)) * (1 - 0.5 * masks["teeth_shade"][:, None])
    others = {
        "mouth_bag": np.tile([0.20, 0.07, 0.07], (count, 1)),
        "teeth": _mixed(teeth, masks["gums"], np.array([0.62, 0.30, 0.29])),
        "tongue": np.tile([0.62, 0.28, 0.28], (count, 1)),
        "eye_left": _eye_color(masks, count),
        "eye_right": _eye_color(masks, count),
        "catchlight": np.ones((count, 3)),
    }
    for name, value in others.items():
        of = part == PARTS.index(name)
        color[of] = value[of]
    return (np.clip(color, 0, 1) ** 2.2).astype(np.float32)
