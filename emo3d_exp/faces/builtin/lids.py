"""The eyelids: their form over the eyeball, and their motion, drawn by hand along their margins."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.falloff import bell, ramp
from emo3d_exp.faces.builtin.layout import Kind, Layout

_OVER_BALL = f.EYE_RADIUS + f.LID_CLEARANCE
_LIDS = (Kind.EYE_CORNER, Kind.UPPER_LID, Kind.LOWER_LID)

_ARCH_MOTION = {
    # shape of one side: height of the upper and of the lower lid's middle
    "eyeWide": (0.072, -0.018),
    "eyeSquint": (-0.034, 0.055),
    "cheekSquint": (-0.006, 0.028),
    "eyeLookDown": (-0.075, -0.022),
    "eyeLookUp": (0.042, 0.014),
    "browDown": (-0.012, 0.0),
    "browOuterUp": (0.006, 0.0),
    "noseSneer": (-0.006, 0.015),
    "mouthSmile": (0.0, 0.010),
}
_SIDEWAYS_MOTION = {"eyeLookIn": -0.008, "eyeLookOut": 0.008}


def is_lid(layout: Layout) -> np.ndarray:
    """Which vertices belong to the rings round the eyes."""
    return np.isin(layout.kind, _LIDS)


def place_lids(layout: Layout, points: np.ndarray) -> None:
    """Lay the rings round the left eye onto the eyeball and fade them into the face; adds the crease."""
    lid, upper, lower = is_lid(layout), layout.kind == Kind.UPPER_LID, layout.kind == Kind.LOWER_LID
    ring = layout.ring
    ball = f.eyeball_z(points[:, 0], points[:, 1], _OVER_BALL)
    middle = ramp(f.lid_arch(points[:, 0]), 0.0, 0.5)  # the creases run out at the corners of the eye
    fade = ramp(ring - 0.012 * middle * upper, 0.03, 0.14)
    z = ball * (1 - fade) + points[:, 2] * fade
    z -= np.where(ring < 0, 0.035, 0.0)  # the rim turns inwards, so that the lid looks thick
    z += middle * upper * (0.016 * bell(ring - 0.095, 0.018) - 0.022 * bell(ring - 0.062, 0.010))
    z -= middle * lower * 0.010 * bell(ring - 0.075, 0.014)
    points[lid, 2] = z[lid]


def driven_margin(layout: Layout) -> np.ndarray:
    """Which vertices follow the margin's motion directly: the margin and the rim behind it."""
    return is_lid(layout) & (layout.ring <= 0)


def lid_motion(layout: Layout, points: np.ndarray, shape: str) -> np.ndarray:
    """Motion (V, 3) of the lids in the shape; zero elsewhere. Both halves are given."""
    motion = np.zeros(points.shape)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        if not shape.endswith(side):
            continue
        name = shape.removesuffix(side)
        here = np.sign(points[:, 0]) == sign
        upper, lower = here & (layout.kind == Kind.UPPER_LID), here & (layout.kind == Kind.LOWER_LID)
        x = np.abs(points[:, 0])
        arch, gap = f.lid_arch(x), f.upper_lid(x) - f.lower_lid(x)
        if name == "eyeBlink":
            # Down to the lower lid and a little over it, and out, lest the seam flicker.
            _slide(motion, points, upper, -(0.97 * gap + 0.010), 0.0)
            motion[upper, 2] += 0.034
            _slide(motion, points, lower, 0.06 * gap, 0.0)
        if name in _ARCH_MOTION:
            up, low = _ARCH_MOTION[name]
            _slide(motion, points, upper, up * arch, 0.0)
            _slide(motion, points, lower, low * arch, 0.0)
        if name in _SIDEWAYS_MOTION:
            _slide(motion, points, upper, 0 * arch, _SIDEWAYS_MOTION[name])
    return motion


def _slide(motion: np.ndarray, points: np.ndarray, of: np.ndarray, up: np.ndarray, out: float) -> None:
    """Move the marked vertices up and outwards along the sphere over the eyeball."""
    x, y = np.abs(points[of, 0]), points[of, 1]
    motion[of, 0] += np.sign(points[of, 0]) * out
    motion[of, 1] += up[of]
    motion[of, 2] += f.eyeball_z(x + out, y + up[of], _OVER_BALL) - f.eyeball_z(x, y, _OVER_BALL)


def lifted_over_eyeball(layout: Layout, points: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """The motion (V, 3), pushed forward by at most 0.08 where it would leave lid skin inside the ball."""
    moved = points + motion
    x, y = moved[:, 0], moved[:, 1]
    over_ball = (np.abs(x) - f.EYE_CENTRE[0]) ** 2 + (y - f.EYE_CENTRE[1]) ** 2 < (0.97 * f.EYE_RADIUS) ** 2
    lid = is_lid(layout) & (layout.ring >= 0) & (layout.ring < 0.10) & over_ball
    lift = np.clip(f.eyeball_z(x, y, _OVER_BALL + 0.002) - moved[:, 2], 0.0, 0.08)
    result = motion.copy()
    result[lid, 2] += lift[lid]
    return result
