"""Makes lips and lids meet: the toolkit leaves gaps there, for its lash cards and wet meshes to fill."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

from emo3d_exp.faces.ict.openings import Openings
from emo3d_exp.faces.ict.topology import Topology
from emo3d_exp.faces.identity import smoothstep

LIP_OVERLAP = 0.002
LID_OVERLAP = 0.012
MARGIN = (3.0, 5.0)
"""Rings of the lids' margins."""


def sealed_lips(neutral: np.ndarray, openings: Openings, topology: Topology) -> np.ndarray:
    """``(V, 3)`` shift that brings the resting lips together, half from above and half from below."""
    marks = neutral[list(topology.inner_lips)]
    upper, lower = marks[:5], np.concatenate([marks[4:], marks[:1]])[::-1]
    x, y, _ = neutral.T
    across = np.clip(x, marks[0, 0], marks[4, 0])
    top, bottom = PchipInterpolator(*upper[:, :2].T)(across), PchipInterpolator(*lower[:, :2].T)(across)
    face = np.isin(np.arange(topology.count), topology.groups["face"])
    inside = np.isin(np.arange(topology.count), topology.groups["mouth_socket"])
    near = face * (1 - smoothstep(openings.mouth, 8, 15)) + inside * (1 - smoothstep(openings.mouth, 0, 8))
    shift = np.zeros_like(neutral)
    half = ((top - bottom) / 2 + LIP_OVERLAP) * smoothstep(np.abs(x - across), 0.05, 0.0) * near
    shift[:, 1] = np.where(y > (top + bottom) / 2, -half, half)
    return shift


def shut_lids(
    neutral: np.ndarray, blink: np.ndarray, rings: np.ndarray, center: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """``(V, 3)`` motion to add to an eye's ``blink`` so that its upper lid reaches the lower one.

    Args:
        neutral: ``(V, 3)`` at rest.
        blink: ``(V, 3)`` motion of the toolkit's shape.
        rings: ``(V,)`` steps from the eye's opening.
        center: of the eyeball; the lid turns about it, so that it keeps its distance.
        corners: ``(2, 3)`` inner and outer corner of the eye.
    """
    shut = neutral + blink
    (start, low), (end, high) = corners[np.argsort(corners[:, 0]), :2]
    along = (neutral[:, 0] - start) / (end - start)
    upper = neutral[:, 1] > low + np.clip(along, 0, 1) * (high - low)
    margin = (rings >= MARGIN[0]) & (rings <= MARGIN[1]) & (along > 0.03) & (along < 0.97)
    if min((margin & upper).sum(), (margin & ~upper).sum()) < 4:
        return np.zeros_like(neutral)
    x = shut[:, 0]
    gap = _edge(shut[margin & upper], np.min)(x) - _edge(shut[margin & ~upper], np.max)(x) + LID_OVERLAP
    inside = smoothstep(along, -0.02, 0.15) * smoothstep(along, 1.02, 0.85)
    arms = shut - center
    angle = gap.clip(0) * upper * inside * (1 - smoothstep(rings, 6, 14)) / _length(arms)
    sine, cosine = np.sin(angle), np.cos(angle)
    x, y, z = arms.T
    return np.stack([x, cosine * y - sine * z, sine * y + cosine * z], axis=1) - arms


def _length(arms: np.ndarray) -> np.ndarray:
    return np.linalg.norm(arms, axis=1).clip(1e-9)


def _edge(
    points: np.ndarray, extreme: Callable[[np.ndarray], float], bins: int = 9
) -> Callable[[np.ndarray], np.ndarray]:
    """Height of the lowest or highest of ``points`` (N, 3) as a curve over x."""
    x, y, _ = points.T
    borders = np.linspace(x.min(), x.max(), bins + 1)
    slot = np.clip(np.searchsorted(borders, x, side="right") - 1, 0, bins - 1)
    used = np.unique(slot)
    middles = (borders[used] + borders[used + 1]) / 2
    curve = PchipInterpolator(middles, [extreme(y[slot == k]) for k in used])
    return lambda at: curve(np.clip(at, middles[0], middles[-1]))
