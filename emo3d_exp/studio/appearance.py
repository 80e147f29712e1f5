"""How a rig looks in the browser: posed vertices, and colours with the light already in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces import Look, Renderer, Rig
from emo3d_exp.faces.shading import to_linear
from emo3d_exp.studio.tone import before_tone_mapping
from emo3d_exp.vocab import BLENDSHAPES


@dataclass(frozen=True)
class Surface:
    """A posed, lit head.

    Attributes:
        vertices: ``(V, 3)`` float32; the head is 1 high and its middle lies at the origin.
        colors: ``(V, 3)`` float32 linear RGB, such that the browser's tone mapping makes them the renderer's.
    """

    vertices: np.ndarray
    colors: np.ndarray

    def toward(self, other: Surface, part: float) -> Surface:
        """The straight way to another surface of the same rig: ``part`` 0 is this one, 1 the other."""
        return Surface(
            self.vertices + np.float32(part) * (other.vertices - self.vertices),
            self.colors + np.float32(part) * (other.colors - self.colors),
        )


class Appearance:
    """A rig in the default look, as the renderer draws it from the front: hair, wrinkles, light.

    The light is laid into the vertex colours, because it then looks as in all other pictures of this
    project, and a browser without a graphics card has less to do. It turns with the head.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig, self.look = rig, Look()
        self.renderer = Renderer(rig)
        self.two_sided = not rig.masks
        self._paint = self.renderer.painter(self.look)
        self.faces = self._lit(np.zeros(len(BLENDSHAPES), np.float32))[0]

    def __call__(self, blendshapes: np.ndarray) -> Surface:
        """``(52,)`` scores in [0, 1] → the head that wears them."""
        camera = self.renderer.camera
        _, vertices, lit = self._lit(blendshapes)
        placed = (vertices - camera.center) / np.float32(camera.height)
        return Surface(placed.astype(np.float32), before_tone_mapping(lit))

    def _lit(self, blendshapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces, vertices and linear colours of head, brows and hair, seen from the front."""
        drawn, look = self.renderer, self.look
        vertices = self.rig.vertices(blendshapes[None])[0]
        normals = drawn.normals(vertices)
        albedo = to_linear(drawn.wrinkles.apply(self._paint, blendshapes, look.wrinkles))
        lit = drawn.shader(albedo, normals, look.light)
        return drawn.adornments.add(vertices, normals, lit, np.eye(3, dtype=np.float32), look)

    def picture(self, blendshapes: np.ndarray) -> np.ndarray:
        """``(52,)`` → uint8 RGB ``(224, 224, 3)``, as FaceCLIP is shown faces."""
        return self.renderer.render(blendshapes)[0]
