"""What of a picture depends on the expression."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from emo3d_exp.faces.rig import Rig


class Motion:
    """Vertices whose place, normal or colour an expression changes.

    Args:
        rig: the face.
        shaded: rows of the vertices that wrinkles darken.
        least: shapes that move a vertex by less, in the rig's unit, count as leaving it where it is.

    Attributes:
        changed: ``(V,)`` bool.
    """

    def __init__(self, rig: Rig, shaded: np.ndarray, least: float = 0.0) -> None:
        self.rig, self.least = rig, least
        moving = (np.abs(rig.deltas) > least).any(axis=(0, 2))
        changed = moving.copy()
        changed[rig.faces[moving[rig.faces].any(axis=1)]] = True
        changed[shaded] = True
        self.changed = changed if changed.any() else ~changed

    def follows(self, binding: sparse.csr_matrix) -> np.ndarray:
        """``(N,)`` bool: vertices at ``binding`` (N, V) of the skin that an expression changes."""
        follows = abs(binding) @ self.changed.astype(np.float32) > 0
        if self.least:
            shapes = self.rig.deltas.transpose(1, 0, 2).reshape(len(self.changed), -1)
            follows &= (np.abs(binding @ shapes) > self.least).any(axis=1)
        return follows
