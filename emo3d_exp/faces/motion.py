"""What of a picture depends on the expression."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import Wrinkles
from emo3d_exp.vocab import MORPH_TARGETS

PLACES: tuple[tuple[str, ...], ...] = (("brow",), ("eye",), ("cheekSquint", "noseSneer"))
"""Beginnings of the shapes that move forehead, eyes and the middle of the face; all others move the rest."""


def groups_of(blendshapes: np.ndarray) -> tuple[int, ...]:
    """Numbers of the groups with a shape in use, of blendshapes ``(52,)``."""
    return tuple(number for number, columns in enumerate(_COLUMNS) if blendshapes[columns + 1].any())


def shapes_of(groups: tuple[int, ...]) -> np.ndarray:
    """Rows of the deltas of some groups."""
    return np.concatenate([np.empty(0, np.int64), *(_COLUMNS[number] for number in groups)])


def _columns() -> tuple[np.ndarray, ...]:
    place = [
        next((n for n, starts in enumerate(PLACES) if name.startswith(starts)), len(PLACES))
        for name in MORPH_TARGETS
    ]
    return tuple(np.flatnonzero(np.equal(place, number)) for number in range(len(PLACES) + 1))


_COLUMNS = _columns()


class Motion:
    """Vertices whose place, normal or colour an expression changes.

    Args:
        rig: the face.
        wrinkles: the rig's.
        shapes: rows of the deltas that are in use; None for all.
        least: shapes that move a vertex by less, in the rig's unit, count as leaving it where it is.

    Attributes:
        changed: ``(V,)`` bool.
    """

    def __init__(
        self, rig: Rig, wrinkles: Wrinkles, shapes: np.ndarray | None = None, least: float = 0.0
    ) -> None:
        self.deltas, self.least = rig.deltas if shapes is None else rig.deltas[shapes], least
        moving = (np.abs(self.deltas) > least).any(axis=(0, 2))
        changed = moving.copy()
        changed[rig.faces[moving[rig.faces].any(axis=1)]] = True
        changed[wrinkles.shaded_by(shapes)] = True
        self.changed = changed

    def follows(self, binding: sparse.csr_matrix) -> np.ndarray:
        """``(N,)`` bool: vertices at ``binding`` (N, V) of the skin that an expression changes."""
        follows = abs(binding) @ self.changed.astype(np.float32) > 0
        if self.least:
            shapes = self.deltas.transpose(1, 0, 2).reshape(len(self.changed), -1)
            follows &= (np.abs(binding @ shapes) > self.least).any(axis=1)
        return follows
