"""What a person wears on the skin in a look: hair, brows and beard, as one overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.faces.beards import beard_hairs
from emo3d_exp.faces.brows import brow_hairs
from emo3d_exp.faces.hair import hair_overlay
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.motion import Motion
from emo3d_exp.faces.overlay import Overlay, join
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import to_linear
from emo3d_exp.faces.strands import Fibres

if TYPE_CHECKING:
    from emo3d_exp.faces.moving import Selection

RECEDING_STEPS = 4
"""Degrees of bare temples that are told apart, so that few meshes of hair are made."""

Piece = tuple[str, ...]


def pieces(look: Look) -> list[Piece]:
    """What has to be made for a look: names with the settings that their form depends on."""
    receding = round(look.receding * RECEDING_STEPS) / RECEDING_STEPS
    hair = ("hair", look.hair_style, str(receding), look.parting)
    return [hair, ("brows",)] + ([("beard", look.beard)] if look.beard != "none" else [])


def make(rig: Rig, piece: Piece, light: bool = False) -> Overlay | None:
    """The overlay of a piece, with fewer hairs for a light rig; None for hair that is painted only."""
    match piece:
        case ("hair", style, receding, parting):
            return hair_overlay(rig, style, float(receding), parting == "right")
        case ("beard", name):
            return beard_hairs(rig, name)
    return brow_hairs(rig, sparse=light)


def overlays(rig: Rig, look: Look) -> list[Overlay]:
    """All overlays of a look; none for rigs without masks, whose proportions are unknown."""
    if not {"brows", "hair"} <= set(rig.masks):
        return []
    found = [make(rig, piece) for piece in pieces(look)]
    return [one for one in found if one is not None]


class Worn:
    """The overlay of one look on its way to the canvas; rows of three by its N vertices.

    Args:
        overlay: bound to the rig that is drawn.
        look: colours and light.
        rotation: ``(3, 3)`` to camera coordinates.
    """

    def __init__(self, overlay: Overlay, look: Look, rotation: np.ndarray) -> None:
        palette = to_linear(np.float32([look.hair, look.brow, look.brow]))
        density = np.float32([1.0, look.brow_weight, 1.0])[overlay.color]
        albedo = palette[overlay.color].T * overlay.tint
        tangents = rotation @ overlay.tangents.T
        own = overlay.normals.any(axis=1)
        self.binding, self.rotation = overlay.binding, rotation
        self.offset, self.lift = np.ascontiguousarray(overlay.offset.T), overlay.lift
        self.shown = overlay.alpha * np.clip(6 * (density - overlay.rank) + 1, 0, 1)
        self.by_skin = np.flatnonzero(~own)
        self.shaded = Fibres(albedo, tangents, look.light)(rotation @ overlay.normals.T)
        self.fibres = Fibres(albedo[:, self.by_skin], tangents[:, self.by_skin], look.light)

    def on(self, vertices: np.ndarray, normals: np.ndarray, lit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions and linear colours ``(3, N)``.

        Args:
            vertices, normals, lit: ``(3, V)`` of the posed rig in its own coordinates; linear colours.
        """
        below = (self.binding @ np.concatenate([vertices, normals, lit]).T).T
        points = below[:3] + self.offset + self.lift * below[3:6]
        shaded = self.shaded.copy()
        shaded[:, self.by_skin] = self.fibres(self.rotation @ below[3:6, self.by_skin])
        return points, below[6:] + self.shown * (shaded - below[6:])


class Drawn:
    """Triangles to draw, those first that look the same in every expression.

    Attributes:
        faces: ``(T, 3)`` int32, each part in the order given.
        still: how many come first.
        selections: of triangles that move with some groups of shapes, as far as they are known.
    """

    def __init__(self, faces: np.ndarray, moving: np.ndarray) -> None:
        moves = moving[faces].any(axis=1)
        self.faces = np.concatenate([faces[~moves], faces[moves]])
        self.still = int((~moves).sum())
        self.selections: dict[tuple[int, ...], Selection] = {}


class Adornments:
    """Overlays by look; every piece is made and bound once.

    Args:
        rig: the head that styles are made for.
        drawn: what they are bound to: the rig itself, or its light one.
        motion: of ``drawn``.
    """

    KEPT = 64
    """Joined overlays that are kept; the oldest goes first."""

    def __init__(self, rig: Rig, drawn: Rig, motion: Motion) -> None:
        self.rig, self.drawn, self.motion = rig, drawn, motion
        self.dressed = {"brows", "hair"} <= set(rig.masks)
        self._pieces: dict[Piece, Overlay | None] = {}
        self._joined: dict[tuple[Piece, ...], tuple[Overlay | None, Drawn]] = {}

    def __call__(self, look: Look) -> tuple[Overlay | None, Drawn]:
        """The look's overlay, None for none, and the faces of the drawn rig and the overlay after it."""
        key = tuple(pieces(look)) if self.dressed else ()
        found = self._joined.get(key)
        if found is None:
            while len(self._joined) >= self.KEPT:
                self._joined.pop(next(iter(self._joined)), None)
            self._joined[key] = found = self._join(key)
        return found

    def _join(self, key: tuple[Piece, ...]) -> tuple[Overlay | None, Drawn]:
        found = [one for one in map(self._bound, key) if one is not None]
        if not found:
            return None, Drawn(self.drawn.faces, self.motion.changed)
        overlay = join(found)
        faces = np.concatenate([self.drawn.faces, overlay.faces + len(self.drawn.neutral)])
        moving = np.concatenate([self.motion.changed, self.motion.follows(overlay.binding)])
        return overlay, Drawn(faces.astype(np.int32), moving)

    def _bound(self, piece: Piece) -> Overlay | None:
        if piece not in self._pieces:
            light = self.drawn is not self.rig
            overlay = make(self.rig, piece, light)
            if overlay is not None and light:
                overlay = overlay.rebound(self.rig, self.drawn)
            self._pieces[piece] = overlay
        return self._pieces[piece]
