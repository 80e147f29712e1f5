"""The built-in head drawn as one would write it first: face by face, formula by formula, nothing kept."""

from __future__ import annotations

import cv2
import numpy as np

from emo3d_exp.faces import Look, Rig
from emo3d_exp.faces.adornments import Worn, overlays
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.overlay import join
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.faces.shading import LIGHT_BY_PART, SKIN_WRAP, WRINKLE_LIMIT, WRINKLE_TINT
from emo3d_exp.vocab import BLENDSHAPES


class PlainRenderer:
    """One face at a time in float64, each step over all vertices, for the neutral look."""

    def __init__(self, rig: Rig, size: int, supersample: int = 2) -> None:
        self.rig, self.size, self.side = rig, size, size * supersample
        self.camera, self.look = Camera(rig, 0.06), Look()
        self.overlay = join(overlays(rig, self.look))
        self.colors = Painter(rig)(self.look)

    def render(self, blendshapes: np.ndarray) -> np.ndarray:
        """``(size, size, 3)`` uint8 RGB of ``(52,)``."""
        rig, look = self.rig, self.look
        vertices = rig.neutral.astype(np.float64)
        for weight, delta in zip(rig.weights(blendshapes[None])[0], rig.deltas, strict=True):
            vertices = vertices + weight * delta
        normals = self._normals(vertices)
        rotation = self.camera.rotation(look)
        lit = self._light(self._wrinkled(blendshapes), normals @ rotation.T)
        faces = np.concatenate([rig.faces, self.overlay.faces + len(rig.neutral)])
        points, colors = Worn(self.overlay, look, rotation).on(vertices.T, normals.T, lit.T)
        vertices, lit = np.concatenate([vertices, points.T]), np.concatenate([lit, colors.T])
        view = self.camera.view(vertices.astype(np.float32), rotation, look)
        return self._draw(view, faces, _display(lit))

    def _normals(self, vertices: np.ndarray) -> np.ndarray:
        a, b, c = (vertices[self.rig.faces[:, k]] for k in range(3))
        cross, normals = np.cross(b - a, c - a), np.zeros_like(vertices)
        for k in range(3):
            np.add.at(normals, self.rig.faces[:, k], cross)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)

    def _wrinkled(self, blendshapes: np.ndarray) -> np.ndarray:
        depth = np.zeros(len(self.colors))
        for weight, name in zip(blendshapes, BLENDSHAPES, strict=True):
            depth += weight * self.rig.masks.get(f"wrinkle_{name}", 0.0)
        depth = np.clip(depth * self.look.wrinkles, 0, WRINKLE_LIMIT)
        return _linear(self.colors * (1 - depth[:, None] * WRINKLE_TINT))

    def _light(self, albedo: np.ndarray, normals: np.ndarray) -> np.ndarray:
        rig, light = self.rig, self.look.light
        key = _unit(np.array(light.direction))
        fill, half = _unit(np.array([-1.5 * key[0], 0.1, 0.7])), _unit(key + np.array([0, 0, 1]))
        received = light.key * np.clip(((normals @ key)[:, None] + SKIN_WRAP) / (1 + SKIN_WRAP), 0, 1)
        received += light.ambient * (0.78 + 0.22 * normals[:, 1:2])
        received += light.fill * np.clip((normals @ fill + 0.1) / 1.1, 0, 1)[:, None]
        base, gain = np.array([LIGHT_BY_PART[PARTS[part]] for part in rig.part]).T
        skin = np.isin(rig.part, [PARTS.index("skin"), PARTS.index("ear")])
        wet = ~skin & (rig.part != PARTS.index("catchlight"))
        dull = rig.masks["hair"] + rig.masks["brows"] + rig.masks["nostril"]
        lips, shine = rig.masks["lips"], np.clip(normals @ half, 0, 1)
        sheen = 0.45 * skin * np.clip(1 - 0.8 * dull, 0, 1) + 0.3 * lips
        gloss = 0.8 * skin * np.clip(1 - dull, 0, 1) + 0.9 * wet + 1.2 * lips
        highlight = light.specular * (sheen * shine**8 + gloss * shine**32)
        return albedo * (base[:, None] + gain[:, None] * received) + highlight[:, None]

    def _draw(self, view: np.ndarray, faces: np.ndarray, colors: np.ndarray) -> np.ndarray:
        picture = np.empty((self.side, self.side, 3), np.float32)
        picture[:] = self.look.background
        depth = np.full((self.side, self.side), Camera.far, np.float32)
        lens, eye = float(np.deg2rad(self.look.fov)), np.eye(4, dtype=np.float32)
        shades = colors.astype(np.float32)
        settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        settings = settings.setCullingMode(cv2.RASTERIZE_CULLING_CW)
        lens_and_range = (lens, Camera.near, Camera.far, settings)
        cv2.triangleRasterize(view, faces, shades, picture, depth, eye, *lens_and_range)
        pixels = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
        return cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _display(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _linear(display: np.ndarray) -> np.ndarray:
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)
