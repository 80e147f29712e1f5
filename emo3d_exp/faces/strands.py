"""Light on hair: a surface of fibres shines across their direction (Kajiya and Kay, 1989)."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.shading import Light

FIBRE_SHARE = 0.35
"""Part of the key light that a fibre takes by its own direction instead of its surface's normal."""


def shade_strands(albedo: np.ndarray, normals: np.ndarray, tangents: np.ndarray, light: Light) -> np.ndarray:
    """Linear colours ``(N, 3)`` of hair.

    Args:
        albedo: ``(N, 3)`` linear.
        normals, tangents: ``(N, 3)`` of unit length, camera coordinates.
        light: the scene's.
    """
    key = _unit(light.direction)
    half = _unit(key + np.float32([0, 0, 1]))
    facing = np.clip((normals @ key + 0.25) / 1.25, 0, 1)
    fibre = np.sqrt(np.clip(1 - (tangents @ key) ** 2, 0, 1))
    sine = np.clip(1 - (tangents @ half) ** 2, 0, 1)
    toward = np.clip(normals @ half, 0, 1)
    fourth = (sine * sine) ** 2
    sixteenth = (fourth * fourth) ** 2
    sheen = toward * sixteenth
    gloss = sheen * sixteenth * sixteenth * fourth * fourth * fourth
    sky = light.ambient * (0.72 + 0.28 * normals[:, 1])
    fill = light.fill * np.clip(normals @ _unit((-1.5 * key[0], 0.1, 0.7)), 0, 1)
    diffuse = sky + fill + light.key * facing * (1 - FIBRE_SHARE + FIBRE_SHARE * fibre)
    shine = light.specular * light.key
    tinted = diffuse + 7 * shine * sheen
    return albedo * tinted[:, None] + (0.35 * shine * gloss)[:, None]


def _unit(vector: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    array = np.asarray(vector, np.float32)
    return array / np.float32(max(float(np.linalg.norm(array)), 1e-9))
