"""All of a picture that does not depend on the expression, worked out once per look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.canvas import Canvas
from emo3d_exp.faces.collapse import collapse
from emo3d_exp.faces.hair import LongHair
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import NormalField, Wrinkles, shade_hair, to_display, to_linear

HAIR_VOLUME = 0.07
TURNED_AWAY = -0.4
"""Long hair whose normal has less z hardly shows: the head turns little enough."""


@dataclass(frozen=True)
class Person:
    """Rows of three by the rig's vertices, unless it says otherwise.

    Attributes:
        gain, shift: of the posed vertices, by identity; None for none.
        albedo: linear colours.
        creased: display colours of the vertices that wrinkles darken.
        volume: how far short hair lifts a vertex along its normal, ``(V,)``; None for no hair.
        rotation, matrix, offset: the head's turn, and the whole way to the canvas.
        hair_seen, hair_lit: long hair on the canvas and its display colours; None for none.
        background: one row of the empty picture.
    """

    gain: np.ndarray | None
    shift: np.ndarray | None
    albedo: np.ndarray
    creased: np.ndarray
    volume: np.ndarray | None
    rotation: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray
    hair_seen: np.ndarray | None
    hair_lit: np.ndarray | None
    background: np.ndarray


class Casting:
    """Makes a :class:`Person` of a look, for a rig that may be the light one of ``whole``."""

    def __init__(self, rig: Rig, whole: Rig, camera: Camera, canvas: Canvas, wrinkles: Wrinkles) -> None:
        self.rig, self.camera, self.canvas, self.wrinkles = rig, camera, canvas, wrinkles
        self.identity, self.painter = IdentityBasis(rig), Painter(rig)
        self.hairy = "hair" in rig.masks
        self.hair = Hair(whole, light=rig is not whole) if self.hairy else None

    def __call__(self, look: Look) -> Person:
        colors = np.ascontiguousarray(self.painter(look).T)
        change = self.identity.gain_and_shift(look.identity)
        gain, shift = (None, None) if change is None else (np.ascontiguousarray(part.T) for part in change)
        rotation = self.camera.rotation(look)
        matrix, offset = self.camera.placement(rotation, look)
        stretch = np.float32([[self.canvas.stretch], [1], [1]])
        matrix, offset = matrix * stretch, offset * stretch
        hair_seen = hair_lit = None
        if self.hair is not None and look.hair_style == "long":
            hair_seen = matrix @ self.hair.vertices + offset
            hair_lit = self.hair.lit(look, rotation)
        volume = np.float32(HAIR_VOLUME) * self.rig.masks["hair"] if self.hairy else None
        return Person(
            gain,
            shift,
            to_linear(colors),
            np.ascontiguousarray(colors[:, self.wrinkles.rows]),
            volume if look.hair_style != "bald" else None,
            rotation,
            matrix,
            offset,
            hair_seen,
            hair_lit,
            self.canvas.background(look),
        )


class Hair:
    """The shell of long hair with its normals, as rows; the light one has half of the vertices."""

    LIGHT_PART = 2

    def __init__(self, rig: Rig, light: bool) -> None:
        shell = LongHair(rig)
        normals = NormalField(shell.faces, len(shell.vertices))(shell.vertices)
        rows, faces = np.arange(len(shell.vertices)), shell.faces
        if light:
            group = np.zeros(len(rows), np.uint8)
            weight = np.where(normals[:, 2] > TURNED_AWAY, 1.0, 0.05)
            points = np.c_[shell.vertices, 0.3 * shell.shade]
            faces = collapse(points, shell.faces, group, weight, len(rows) // self.LIGHT_PART)
            rows, faces = np.unique(faces, return_inverse=True)
        self.faces = faces.reshape(-1, 3).astype(np.int32)
        self.vertices = np.ascontiguousarray(shell.vertices[rows].T)
        self.normals, self.shade = np.ascontiguousarray(normals[rows].T), shell.shade[rows]

    def lit(self, look: Look, rotation: np.ndarray) -> np.ndarray:
        """Display colours ``(3, H)``."""
        albedo = to_linear(np.float32(look.hair)[:, None] * self.shade)
        return to_display(shade_hair(albedo, self.normals, look.light, rotation))
