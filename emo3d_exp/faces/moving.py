"""The part of a head that expressions change, drawn over a picture of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.adornments import Drawn, Worn
from emo3d_exp.faces.canvas import Layer
from emo3d_exp.faces.figure import Figure, Guise
from emo3d_exp.faces.lod import part_of
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.overlay import Overlay
from emo3d_exp.faces.person import Person
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import to_display


@dataclass(frozen=True)
class Selection:
    """The moving triangles of a rig and its overlay, with vertices of their own.

    Attributes:
        rows: ``(M,)`` of the vertices among those of rig and overlay: the part of the rig, what follows it,
            and then the ``M - moving`` corners of moving triangles that stay where they are.
        moving: how many come before those.
        faces: ``(T, 3)`` int32 into them.
        overlay: what follows, bound to the part of the rig; None for nothing.
    """

    rows: np.ndarray
    moving: int
    faces: np.ndarray
    overlay: Overlay | None


@dataclass(frozen=True)
class Scene:
    """A person in a look: the picture of what is still, and the rest before it moves.

    Attributes:
        backdrop: to be copied and drawn into.
        points, colors: ``(M, 3)`` camera and display, at rest, of the selection's vertices.
        guise: of the part of the rig.
        selection: what is drawn over the backdrop.
    """

    backdrop: Layer
    points: np.ndarray
    colors: np.ndarray
    guise: Guise
    selection: Selection


class MovingPart:
    """The smaller rig that is all a new expression needs.

    Args:
        rig: what is drawn.
        changed: ``(V,)`` bool, vertices that an expression changes.
    """

    def __init__(self, rig: Rig, changed: np.ndarray) -> None:
        self.count = len(rig.neutral)
        drawn = np.zeros(self.count, bool)
        drawn[rig.faces[changed[rig.faces].any(axis=1)]] = True
        # Normals need every triangle around a vertex that is drawn.
        faces = rig.faces[drawn[rig.faces].any(axis=1)]
        self.rows, corners = np.unique(faces, return_inverse=True)
        self.figure = Figure(part_of(rig, self.rows, corners.reshape(-1, 3).astype(np.int32)))

    def scene(self, person: Person, look: Look, backdrop: Layer, rest: tuple[np.ndarray, ...]) -> Scene:
        """Everything about a look that its expressions share.

        Args:
            person: of the whole rig.
            look: the person's.
            backdrop: the picture of ``person.drawn``'s triangles that are still.
            rest: camera points and display colours ``(N, 3)`` of all vertices of an expressionless face.
        """
        chosen = self._selection(person)
        worn = None if chosen.overlay is None else Worn(chosen.overlay, look, person.guise.rotation)
        points, colors = (table[chosen.rows] for table in rest)
        return Scene(backdrop, points, colors, person.guise.part(self.rows, worn), chosen)

    def seen(self, weights: np.ndarray, look: Look, person: Person, scene: Scene) -> tuple[np.ndarray, ...]:
        """Camera points and display colours ``(M, 3)`` of the scene with blendshapes ``(52,)``."""
        vertices, lit = self.figure.lit(weights, look, scene.guise)
        points, colors = scene.points.copy(), scene.colors.copy()
        points[: scene.selection.moving] = (person.matrix @ vertices + person.offset).T
        colors[: scene.selection.moving] = to_display(lit).T
        return points, colors

    def _selection(self, person: Person) -> Selection:
        """Made once for all looks that wear the same."""
        drawn = person.drawn
        if drawn.selection is None:
            drawn.selection = self._select(drawn, person.overlay)
        return drawn.selection

    def _select(self, drawn: Drawn, overlay: Overlay | None) -> Selection:
        faces, count = drawn.faces[drawn.still :], self.count
        corners = np.unique(faces)
        worn = corners[corners >= count]
        follows = drawn.moving[worn]
        rows = np.concatenate([self.rows, worn[follows], worn[~follows]])
        place = np.zeros(len(drawn.moving), np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        part = overlay.part(worn[follows] - count, self.rows) if follows.any() else None
        return Selection(rows, len(self.rows) + int(follows.sum()), place[faces], part)
