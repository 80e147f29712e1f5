"""Where the features of the face lie: curves of lids, lips, brows and hairline.

All are functions of the distance ``x`` from the middle plane (unit: distance of the eye centres);
heights are in the same unit, with y = 0 at the level of the eyes.
"""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin.falloff import bell, ramp

EYE_CENTRE = (0.485, -0.020, -0.015)
EYE_RADIUS = 0.25
IRIS_RADIUS = 0.105
PUPIL_RADIUS = 0.045
EYE_INNER = 0.285
EYE_OUTER = 0.715
LID_CLEARANCE = 0.028
"""Height of the lid margin over the eyeball; less lets the ball pierce the lid at half a blink."""

MOUTH_HALF_WIDTH = 0.42
BROW_INNER = 0.16
BROW_OUTER = 0.95


def _across_eye(x: np.ndarray) -> np.ndarray:
    return np.clip((np.abs(x) - EYE_INNER) / (EYE_OUTER - EYE_INNER), 0.0, 1.0)


def _eye_axis(t: np.ndarray) -> np.ndarray:
    return -0.062 + 0.034 * t


def upper_lid(x: np.ndarray) -> np.ndarray:
    """Height of the upper lid's margin."""
    t = _across_eye(x)
    return _eye_axis(t) + 0.124 * (4 * t * (1 - t)) ** 0.62 * (1 + 0.10 * (t - 0.5))


def lower_lid(x: np.ndarray) -> np.ndarray:
    """Height of the lower lid's margin."""
    t = _across_eye(x)
    return _eye_axis(t) - 0.070 * (4 * t * (1 - t)) ** 0.72 * (1 + 0.25 * (t - 0.5))


def lid_arch(x: np.ndarray) -> np.ndarray:
    """1 at the middle of the eye, 0 at both corners: how far a lid's point moves."""
    t = _across_eye(x)
    return (4 * t * (1 - t)) ** 0.8


def eye_contour(points: int = 27) -> np.ndarray:
    """Closed outline (N, 2) of the left eye's opening: upper lid from the inner corner, lower lid back."""
    t = (1 - np.cos(np.linspace(0, np.pi, points))) / 2
    x = EYE_INNER + (EYE_OUTER - EYE_INNER) * t
    upper = np.stack([x, upper_lid(x)], 1)
    lower = np.stack([x, lower_lid(x)], 1)[::-1][1:-1]
    return np.concatenate([upper, lower])


def eyeball_z(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Front of a sphere round the eye's centre; a small positive height outside its outline."""
    q = radius**2 - (np.abs(x) - EYE_CENTRE[0]) ** 2 - (y - EYE_CENTRE[1]) ** 2
    return EYE_CENTRE[2] + np.sqrt(np.clip(q, 0.0012, None))


def mouth_line(x: np.ndarray) -> np.ndarray:
    """Height of the line where the lips meet."""
    t = np.abs(x) / MOUTH_HALF_WIDTH
    return -1.105 - 0.020 * t**2 + 0.010 * np.cos(1.6 * np.pi * t) * np.clip(1 - t, 0, None)


def upper_lip_edge(x: np.ndarray) -> np.ndarray:
    """Height of the upper border of the red of the lips, with its two peaks."""
    t = np.clip(np.abs(x) / MOUTH_HALF_WIDTH, 0, 1)
    peaks = 0.024 * np.exp(-(((t - 0.28) / 0.17) ** 2)) - 0.012 * np.exp(-((t / 0.12) ** 2))
    return mouth_line(x) + np.maximum(0.014, (0.1135 + peaks) * (1 - t**2) ** 0.85)


def lower_lip_edge(x: np.ndarray) -> np.ndarray:
    """Height of the lower border of the red of the lips."""
    t = np.clip(np.abs(x) / MOUTH_HALF_WIDTH, 0, 1)
    return mouth_line(x) - np.maximum(0.014, 0.1445 * (1 - t**2.4) ** 0.8)


def lip_columns() -> np.ndarray:
    """Distances from the middle plane at which the left half of the lips has vertices; denser outwards."""
    return MOUTH_HALF_WIDTH * np.append(np.sin(np.linspace(0, 1, 26) * np.pi / 2)[:-1] * 0.995, 0.996)


def lip_contour() -> np.ndarray:
    """Left half of the lips' outline (2N, 2): upper border outwards, lower border back."""
    x = np.append(lip_columns(), MOUTH_HALF_WIDTH)
    upper = np.stack([x, upper_lip_edge(x)], 1)
    lower = np.stack([x, lower_lip_edge(x)], 1)[::-1]
    return np.concatenate([upper, lower])


def _across_brow(x: np.ndarray) -> np.ndarray:
    return (np.abs(x) - BROW_INNER) / (BROW_OUTER - BROW_INNER)


def brow_line(x: np.ndarray) -> np.ndarray:
    """Height of the middle of the brow."""
    t = _across_brow(x)
    return 0.205 + 0.27 * t - 0.33 * np.clip(t, 0, 2) ** 2.6


def brow_half_height(x: np.ndarray) -> np.ndarray:
    """Half the brow's thickness; 0 outside it."""
    t = np.clip((np.abs(x) - 0.15) / 0.81, 0, 1)
    return 0.056 * (1 - 0.78 * t**1.6) * (0.45 + 0.55 * ramp(t, -0.02, 0.14)) * ramp(t, -0.03, 0.02)


def hairline(theta: np.ndarray) -> np.ndarray:
    """Lower limit of the hair in front and at the temples, by angle round the head."""
    x = np.sin(np.abs(theta)) * 1.12
    temples = 0.10 * np.clip(x / 0.75, 0, 1) ** 2 + 1.15 * np.clip((x - 0.72) / 0.40, 0, 1.2) ** 1.6
    return 0.995 - 0.025 * bell(x, 0.12) + 0.065 * bell(x - 0.46, 0.14) - temples
