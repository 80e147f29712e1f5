"""A piece of the head: one connected thing such as the skin, a row of teeth or an eyeball."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emo3d_exp.vocab import MORPH_TARGETS

SHAPE_INDEX: dict[str, int] = {name: index for index, name in enumerate(MORPH_TARGETS)}
"""Row of each morph target in ``deltas``."""


@dataclass
class Piece:
    """``vertices`` (N, 3), ``faces`` (T, 3), ``deltas`` (51, N, 3), ``masks`` each (N,) in [0, 1].

    ``color`` (N, 3) or (3,), display RGB in [0, 1], is for what no look paints.
    """

    part: str
    vertices: np.ndarray
    faces: np.ndarray
    deltas: np.ndarray = None  # type: ignore[assignment]
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    color: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        if self.deltas is None:
            self.deltas = np.zeros((len(MORPH_TARGETS), len(self.vertices), 3))


def rotated(points: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    """Points (N, 3) turned by degrees: ``yaw`` to the subject's left, ``pitch`` downwards."""
    cy, sy = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    cp, sp = np.cos(np.deg2rad(pitch)), np.sin(np.deg2rad(pitch))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return points @ (about_y @ about_x).T
