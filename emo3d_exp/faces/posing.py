"""A rig posed for drawing: coordinates as three rows, one face at a time."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.yielding import OVERRIDING


class Poser:
    """Posed vertices as rows x, y, z.

    Sums only the deltas that are in use, each by one multiplication and one addition, so that the bytes
    depend neither on a batch nor on the machine's matrix product.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.neutral = np.ascontiguousarray(rig.neutral.T)
        self.deltas = np.ascontiguousarray(rig.deltas.transpose(0, 2, 1))

    def __call__(self, blendshapes: np.ndarray) -> np.ndarray:
        """``(3, V)`` float32 of blendshapes ``(52,)``."""
        weights = blendshapes[1:]
        if weights[OVERRIDING].any():
            weights = self.rig.weights(blendshapes[None])[0]
        posed, part = self.neutral.copy(), np.empty_like(self.neutral)
        for k in np.flatnonzero(weights).tolist():
            np.multiply(self.deltas[k], weights[k], out=part)
            posed += part
        return posed
