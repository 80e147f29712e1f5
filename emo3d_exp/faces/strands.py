"""Light on hair: a surface of fibres shines across their direction (Kajiya and Kay, 1989)."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.shading import Light

FIBRE_SHARE = 0.35
"""Part of the key light that a fibre takes by its own direction instead of its surface's normal."""


class StrandLight:
    """What light does to strands of fixed direction; their surface's normals may change.

    Args:
        tangents: ``(N, 3)`` of unit length, camera coordinates.
        light: the scene's.
    """

    def __init__(self, tangents: np.ndarray, light: Light) -> None:
        self.light, key = light, _unit(light.direction)
        half = _unit(key + np.float32([0, 0, 1]))
        self.directions = np.stack([key, half, _unit((-1.5 * key[0], 0.1, 0.7))], axis=1)
        fibre = np.sqrt(np.clip(1 - (tangents @ key) ** 2, 0, 1))
        sine = np.clip(1 - (tangents @ half) ** 2, 0, 1)
        shine = np.float32(light.specular * light.key)
        self.facing = np.float32(light.key) * (1 - FIBRE_SHARE + FIBRE_SHARE * fibre)
        self.sheen, self.gloss = 7 * shine * sine**16, 0.35 * shine * sine**60

    def __call__(self, albedo: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Linear colours ``(N, 3)`` of linear ``albedo`` (N, 3), with unit ``normals`` (N, 3)."""
        toward_key, toward_half, toward_fill = (normals @ self.directions).T
        toward = np.clip(toward_half, 0, 1)
        tinted = np.float32(self.light.ambient) * (0.72 + 0.28 * normals[:, 1])
        tinted += np.float32(self.light.fill) * np.clip(toward_fill, 0, 1)
        tinted += self.facing * np.clip((toward_key + 0.25) / 1.25, 0, 1)
        tinted += self.sheen * toward
        return albedo * tinted[:, None] + (self.gloss * toward)[:, None]


def shade_strands(albedo: np.ndarray, normals: np.ndarray, tangents: np.ndarray, light: Light) -> np.ndarray:
    """Linear colours ``(N, 3)`` of hair.

    Args:
        albedo: ``(N, 3)`` linear.
        normals, tangents: ``(N, 3)`` of unit length, camera coordinates.
        light: the scene's.
    """
    return StrandLight(tangents, light)(albedo, normals)


def _unit(vector: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    array = np.asarray(vector, np.float32)
    return array / np.float32(max(float(np.linalg.norm(array)), 1e-9))
