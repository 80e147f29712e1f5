"""A rig on its way to a picture: posed, shaped by a person, lit, and wearing what grows on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.adornments import Worn
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.posing import Poser
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import NormalField, Shader, Wrinkles, to_linear


@dataclass(frozen=True)
class Guise:
    """What a look makes of a rig, whatever the expression; rows of three by its V vertices.

    Attributes:
        gain, shift: of the posed vertices, by identity; None for none.
        albedo: linear colours.
        creased: display colours of the vertices that wrinkles darken.
        rotation: the head's turn.
        worn: hair, brows and beard; None for none.
    """

    gain: np.ndarray | None
    shift: np.ndarray | None
    albedo: np.ndarray
    creased: np.ndarray
    rotation: np.ndarray
    worn: Worn | None

    def part(self, rows: np.ndarray, creases: np.ndarray, worn: Worn | None) -> Guise:
        """The same of ``rows`` of the vertices; ``creases`` are those of ``creased`` among them."""
        gain, shift, albedo = (
            None if table is None else np.ascontiguousarray(table[:, rows])
            for table in (self.gain, self.shift, self.albedo)
        )
        creased = np.ascontiguousarray(self.creased[:, creases])
        return Guise(gain, shift, albedo, creased, self.rotation, worn)


class Figure:
    """Poses and lights one rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.pose = rig, Poser(rig)
        self.normals = NormalField(rig.faces, len(rig.neutral))
        self.wrinkles, self.shader = Wrinkles(rig), Shader(rig)

    def lit(self, weights: np.ndarray, look: Look, guise: Guise) -> tuple[np.ndarray, np.ndarray]:
        """Vertices ``(3, N)`` of the rig and what it wears, and their linear colours ``(3, N)`` with light.

        Args:
            weights: blendshapes ``(52,)`` in [0, 1].
            look: light and strength of wrinkles.
            guise: of this rig in that look.
        """
        vertices = self.pose(weights)
        if guise.gain is not None:
            vertices *= guise.gain
            vertices += guise.shift
        normals = self.normals.rows(vertices)
        albedo, folds = guise.albedo, self.wrinkles.shade(weights, look.wrinkles)
        if folds is not None:
            albedo = albedo.copy()
            albedo[:, self.wrinkles.rows] = to_linear(guise.creased * folds)
        lit = self.shader(albedo, normals, look.light, guise.rotation)
        if guise.worn is None:
            return vertices, lit
        points, colors = guise.worn.on(vertices, normals, lit)
        return np.hstack([vertices, points]), np.hstack([lit, colors])
