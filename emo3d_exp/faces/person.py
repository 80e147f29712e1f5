"""All of a picture that does not depend on the expression, worked out once per look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.faces.adornments import Adornments, Drawn, Worn
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.canvas import Canvas, Layer
from emo3d_exp.faces.figure import Figure, Guise
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.motion import Motion
from emo3d_exp.faces.overlay import Overlay
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import to_linear

if TYPE_CHECKING:
    from emo3d_exp.faces.moving import Scene


@dataclass
class Person:
    """A look on the rig that is drawn.

    Attributes:
        guise: what lighting needs.
        matrix, offset: ``(3, 3)`` and ``(3, 1)``, the whole way to the canvas.
        overlay: what is worn; None for nothing.
        drawn: triangles of the rig and what it wears.
        backdrop: the picture before anything that moves; None until the look is drawn a second time.
        scenes: what a renderer of moving parts keeps instead, by groups of shapes.
    """

    guise: Guise
    matrix: np.ndarray
    offset: np.ndarray
    overlay: Overlay | None
    drawn: Drawn
    backdrop: Layer | None = None
    scenes: dict[tuple[int, ...], Scene] = field(default_factory=dict)
    used: bool = False


class Casting:
    """Makes a :class:`Person` of a look, for a rig that may be the light one of ``whole``."""

    def __init__(self, figure: Figure, whole: Rig, camera: Camera, canvas: Canvas, motion: Motion) -> None:
        self.figure, self.camera, self.canvas = figure, camera, canvas
        self.identity, self.painter = IdentityBasis(figure.rig), Painter(figure.rig)
        self.adornments = Adornments(whole, figure.rig, motion)

    def __call__(self, look: Look) -> Person:
        colors = np.ascontiguousarray(self.painter(look).T)
        change = self.identity.gain_and_shift(look.identity)
        gain, shift = (None, None) if change is None else (np.ascontiguousarray(part.T) for part in change)
        rotation = self.camera.rotation(look)
        matrix, offset = self.camera.placement(rotation, look)
        stretch = np.float32([[self.canvas.stretch], [1], [1]])
        overlay, drawn = self.adornments(look)
        worn = None if overlay is None else Worn(overlay, look, rotation)
        creased = np.ascontiguousarray(colors[:, self.figure.wrinkles.rows])
        guise = Guise(gain, shift, to_linear(colors), creased, rotation, worn)
        return Person(guise, matrix * stretch, offset * stretch, overlay, drawn)
