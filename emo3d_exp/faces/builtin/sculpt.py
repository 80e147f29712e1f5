"""Relief of the face in front: how far sockets, cheeks, muzzle and chin stand out of the bare head.

Every function takes ``x`` >= 0 (distance from the middle plane) and the height ``y`` and returns a
displacement along z, in the unit of the head.
"""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin.falloff import bell, blob, ramp


def brow_and_socket(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brow ridge, eye socket, inner corner beside the bridge, temple."""
    ridge = 0.050 * bell(y - (0.22 + 0.12 * x), 0.085) * bell(x - 0.45, 0.30)
    between = 0.020 * bell(y - 0.28, 0.09) * bell(x, 0.18)
    socket = 0.105 * np.exp(-((((x - 0.48) / 0.31) ** 2 + ((y + 0.05) / 0.21) ** 2) ** 1.1))
    corner = 0.038 * bell(x - 0.25, 0.07) * bell(y + 0.03, 0.10)
    temple = 0.035 * bell(x - 1.02, 0.14) * bell(y - 0.28, 0.25)
    bosses = 0.018 * blob(x, y, (0.45, 0.72), (0.30, 0.22))
    return ridge + between + bosses - socket - corner - temple


def cheeks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cheekbone, hollow below it, fullness beside the nose, fold from nose to mouth."""
    bone = 0.060 * bell(x - 0.66, 0.22) * bell(y + 0.40 - 0.12 * (x - 0.6), 0.17)
    hollow = 0.028 * bell(x - 0.76, 0.18) * bell(y + 0.95, 0.22)
    apple = 0.040 * bell(x - 0.44, 0.13) * bell(y + 0.62, 0.18)
    along = x - (0.27 + 0.45 * np.clip(-(y + 0.66), 0, 0.6))
    fold = 0.016 * bell(along, 0.045) * ramp(-y, 0.62, 0.78) * ramp(y, -1.25, -1.05)
    return bone + apple - hollow - fold


def mouth_region(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bulge over the teeth, philtrum, groove under the lower lip, pits at the corners of the mouth."""
    muzzle = 0.115 * blob(x, y, (0, -1.05), (0.40, 0.30))
    below_nose = ramp(y, -0.98, -0.90) * ramp(-y, 0.74, 0.84)
    philtrum = (0.005 * bell(x - 0.07, 0.03) - 0.012 * bell(x, 0.035)) * below_nose
    groove = 0.055 * bell(x, 0.25) * bell(y + 1.335, 0.055)
    pit = 0.016 * bell(x - 0.44, 0.045) * bell(y + 1.14, 0.06)
    return muzzle + philtrum - groove - pit + 0.004 * bell(x - 0.52, 0.06) * bell(y + 1.15, 0.09)


def chin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The boss of the chin."""
    return 0.065 * blob(x, y, (0, -1.56), (0.24, 0.13))


def relief(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sum of all of them; the nose is not in it."""
    return brow_and_socket(x, y) + cheeks(x, y) + mouth_region(x, y) + chin(x, y)
