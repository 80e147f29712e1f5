"""All of a picture that does not depend on the expression, worked out once per look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.adornments import Adornments, Drawn, Worn
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.canvas import Canvas, Layer
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import Wrinkles, to_linear


@dataclass
class Person:
    """Rows of three by the rig's vertices, unless it says otherwise.

    Attributes:
        gain, shift: of the posed vertices, by identity; None for none.
        albedo: linear colours.
        creased: display colours of the vertices that wrinkles darken.
        rotation, matrix, offset: the head's turn, and the whole way to the canvas.
        drawn: triangles of the rig and what it wears.
        worn: hair, brows and beard; None for none.
        backdrop: the picture before anything that moves; None until the look is drawn a second time.
    """

    gain: np.ndarray | None
    shift: np.ndarray | None
    albedo: np.ndarray
    creased: np.ndarray
    rotation: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray
    drawn: Drawn
    worn: Worn | None
    backdrop: Layer | None = None
    used: bool = False


class Casting:
    """Makes a :class:`Person` of a look, for a rig that may be the light one of ``whole``."""

    def __init__(self, rig: Rig, whole: Rig, camera: Camera, canvas: Canvas, wrinkles: Wrinkles) -> None:
        self.rig, self.camera, self.canvas, self.wrinkles = rig, camera, canvas, wrinkles
        self.identity, self.painter = IdentityBasis(rig), Painter(rig)
        self.adornments = Adornments(whole, rig, _moving(rig, wrinkles))

    def __call__(self, look: Look) -> Person:
        colors = np.ascontiguousarray(self.painter(look).T)
        change = self.identity.gain_and_shift(look.identity)
        gain, shift = (None, None) if change is None else (np.ascontiguousarray(part.T) for part in change)
        rotation = self.camera.rotation(look)
        matrix, offset = self.camera.placement(rotation, look)
        stretch = np.float32([[self.canvas.stretch], [1], [1]])
        matrix, offset = matrix * stretch, offset * stretch
        overlay, drawn = self.adornments(look)
        return Person(
            gain,
            shift,
            to_linear(colors),
            np.ascontiguousarray(colors[:, self.wrinkles.rows]),
            rotation,
            matrix,
            offset,
            drawn,
            None if overlay is None else Worn(overlay, look, rotation),
        )


def _moving(rig: Rig, wrinkles: Wrinkles) -> np.ndarray:
    """``(V,)`` bool: vertices whose place, normal or colour depends on the expression."""
    moving = (rig.deltas != 0).any(axis=(0, 2))
    touched = np.zeros(len(moving), bool)
    touched[rig.faces[moving[rig.faces].any(axis=1)]] = True
    touched[wrinkles.rows] = True
    return moving | touched
