"""Light on hair: a surface of fibres shines across their direction (Kajiya and Kay, 1989)."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.shading import Light

FIBRE_SHARE = 0.35
"""Part of the key light that a fibre takes by its own direction instead of its surface's normal."""


class Fibres:
    """Hair in one scene; what depends on the fibres' directions alone is worked out once.

    Args:
        albedo: ``(3, N)`` linear.
        tangents: ``(3, N)`` of unit length, along the fibres, camera coordinates.
        light: the scene's.
    """

    def __init__(self, albedo: np.ndarray, tangents: np.ndarray, light: Light) -> None:
        key = _unit(light.direction)
        half = _unit(key + np.float32([0, 0, 1]))
        fibre = np.sqrt(np.clip(1 - (key @ tangents) ** 2, 0, 1))
        sine = np.clip(1 - (half @ tangents) ** 2, 0, 1)
        shine = light.specular * light.key
        self.albedo, self.light = albedo, light
        self.directions = np.stack([key, half, _unit((-1.5 * key[0], 0.1, 0.7)), np.float32([0, 1, 0])])
        self.diffuse = np.float32(light.key / 1.25) * (1 - FIBRE_SHARE + FIBRE_SHARE * fibre)
        self.sheen = np.float32(7 * shine) * sine**16
        self.gloss = np.float32(0.35 * shine) * sine**60

    def __call__(self, normals: np.ndarray) -> np.ndarray:
        """Linear colours ``(3, N)`` with unit normals ``(3, N)`` in camera coordinates."""
        toward_key, toward_half, toward_fill, up = self.directions @ normals
        facing = np.clip(toward_key + np.float32(0.25), 0, 1.25)
        toward = np.clip(toward_half, 0, 1)
        tinted = self.diffuse * facing
        tinted += self.sheen * toward
        tinted += np.float32(self.light.fill) * np.clip(toward_fill, 0, 1)
        tinted += np.float32(self.light.ambient) * (np.float32(0.72) + np.float32(0.28) * up)
        return self.albedo * tinted + self.gloss * toward


def _unit(vector: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    array = np.asarray(vector, np.float32)
    return array / np.float32(max(float(np.linalg.norm(array)), 1e-9))
