"""The motion table ``face_motion.csv``: how 39 points of a face move in each of the 51 blendshapes.

Measured on the neutral head and the expression targets of ICT-FaceKit (MIT licence, copyright USC
Institute for Creative Technologies, https://github.com/ICT-VGL/ICT-FaceKit), in units of the distance
between the eye centres; x to the subject's left, y up, z forward, origin between the eyes. A point
that a shape does not list does not move in it. Only these figures come from there: the head's own
surface is made by this package.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

_SINGLE_SIDED = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
_GAINS = {
    "cheekPuff": 1.5,
    "browDown": 1.9,
    "browInnerUp": 1.5,
    "mouthFrown": 2.0,
    "mouthFunnel": 1.25,
    "mouthLowerDown": 2.0,
    "mouthPress": 2.0,
    "mouthStretch": 1.2,
    "noseSneer": 0.85,
}


def gain(shape: str) -> float:
    """Factor on the table's motion, found by reading rendered faces back with a face tracker."""
    if shape in _SINGLE_SIDED:
        return 1.0
    return _GAINS.get(shape.removesuffix("Left").removesuffix("Right"), 1.0)


@dataclass(frozen=True)
class MotionTable:
    """Positions at rest by point name, and motions by shape and point name; each (3,)."""

    rest: dict[str, np.ndarray]
    shapes: dict[str, dict[str, np.ndarray]]

    def motion(self, shape: str, point: str) -> np.ndarray:
        """Motion of the point in the shape, without gain; zero where the table has none."""
        return self.shapes.get(shape, {}).get(point, np.zeros(3))


@cache
def motion_table() -> MotionTable:
    """Read the table that is shipped with the package."""
    shapes: dict[str, dict[str, np.ndarray]] = {}
    text = files("emo3d_exp.faces.builtin").joinpath("face_motion.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        position = np.array([float(row[axis]) for axis in "xyz"])
        shapes.setdefault(row["shape"], {})[row["point"]] = position
    rest = shapes.pop("neutral")
    return MotionTable(rest, shapes)
