"""The part of a head that some shapes change, drawn over a picture of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.adornments import Drawn, Worn
from emo3d_exp.faces.canvas import Canvas, Layer
from emo3d_exp.faces.figure import Figure, Guise
from emo3d_exp.faces.lod import part_of
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.motion import Motion
from emo3d_exp.faces.overlay import Overlay
from emo3d_exp.faces.person import Person
from emo3d_exp.faces.shading import to_display


@dataclass(frozen=True)
class Selection:
    """The triangles of a rig and its overlay that move, with vertices of their own.

    Attributes:
        still: ``(S, 3)`` int32, the other triangles, into all vertices.
        rim: ``(R, 3)`` those of ``still`` with a corner of a moving one.
        faces: ``(T, 3)`` int32 into ``rows``.
        rows: ``(M,)`` of the vertices of rig and overlay: the part of the rig, what follows it, and the
            corners of moving triangles that stay where they are.
        moving: which of ``rows`` a new expression places, the others stay: a seam without a gap.
        follows: rows of the overlay that follow.
    """

    still: np.ndarray
    rim: np.ndarray
    faces: np.ndarray
    rows: np.ndarray
    moving: np.ndarray
    follows: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A person in a look: the picture of what is still, and the rest before it moves.

    Attributes:
        backdrop: to be copied and drawn into.
        picture: ``(size, size, 3)`` uint8 of the backdrop.
        points, colors: ``(M, 3)`` camera and display, at rest, of the selection's vertices.
        guise: of the part of the rig.
        selection: what is drawn over the backdrop.
    """

    backdrop: Layer
    picture: np.ndarray
    points: np.ndarray
    colors: np.ndarray
    guise: Guise
    selection: Selection


class MovingPart:
    """The smaller rig that is all an expression of some groups of shapes needs.

    Args:
        whole: what is drawn.
        motion: by those shapes.
        groups: their numbers.
    """

    def __init__(self, whole: Figure, motion: Motion, groups: tuple[int, ...]) -> None:
        rig = whole.rig
        self.motion, self.groups, self.count = motion, groups, len(rig.neutral)
        drawn = np.zeros(self.count, bool)
        drawn[rig.faces[motion.changed[rig.faces].any(axis=1)]] = True
        # Normals need every triangle around a vertex that is drawn.
        faces = rig.faces[drawn[rig.faces].any(axis=1)]
        self.rows, corners = np.unique(faces, return_inverse=True)
        self.figure, self.creases = None, np.empty(0, np.int64)
        if len(faces):
            self.figure = Figure(part_of(rig, self.rows, corners.reshape(-1, 3).astype(np.int32)))
            self.creases = np.searchsorted(whole.wrinkles.rows, self.rows[self.figure.wrinkles.rows])

    def scene(self, person: Person, look: Look, canvas: Canvas, rest: tuple[np.ndarray, np.ndarray]) -> Scene:
        """Everything about a look that its expressions share.

        Args:
            person: of the whole rig.
            look: the person's.
            canvas: for the backdrop.
            rest: camera points and display colours ``(N, 3)`` of all vertices of an expressionless face.
        """
        chosen = self._selection(person.drawn, person.overlay)
        backdrop = canvas.backdrop(look, rest[0], chosen.still, rest[1], chosen.rim)
        worn = None
        if len(chosen.follows):
            worn = Worn(person.overlay.part(chosen.follows, self.rows), look, person.guise.rotation)
        points, colors = (table[chosen.rows] for table in rest)
        guise = person.guise.part(self.rows, self.creases, worn)
        return Scene(backdrop, canvas.reduced(backdrop), points, colors, guise, chosen)

    def seen(
        self, weights: np.ndarray, look: Look, person: Person, scene: Scene
    ) -> tuple[np.ndarray, np.ndarray]:
        """Camera points and display colours ``(M, 3)`` of the scene with blendshapes ``(52,)``."""
        if self.figure is None:
            return scene.points, scene.colors
        vertices, lit = self.figure.lit(weights, look, scene.guise)
        points, colors = scene.points.copy(), scene.colors.copy()
        moving = scene.selection.moving
        points[moving] = (person.matrix @ vertices[:, moving] + person.offset).T
        colors[moving] = to_display(lit[:, moving]).T
        return points, colors

    def _selection(self, drawn: Drawn, overlay: Overlay | None) -> Selection:
        """Made once for all looks that wear the same."""
        known = drawn.selections.get(self.groups)
        if known is None:
            drawn.selections[self.groups] = known = self._select(drawn.faces, overlay)
        return known

    def _select(self, faces: np.ndarray, overlay: Overlay | None) -> Selection:
        changed, count = self.motion.changed, self.count
        if overlay is not None:
            changed = np.concatenate([changed, self.motion.follows(overlay.binding)])
        moves = changed[faces].any(axis=1)
        corners, still = np.unique(faces[moves]), faces[~moves]
        rim = still[np.isin(still, corners).any(axis=1)]
        worn = corners[corners >= count]
        follows = worn[changed[worn]]
        rows = np.concatenate([self.rows, follows, worn[~changed[worn]]])
        place = np.zeros(len(changed), np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        moving = np.flatnonzero(changed[rows])
        return Selection(still, rim, place[faces[moves]], rows, moving, follows - count)
