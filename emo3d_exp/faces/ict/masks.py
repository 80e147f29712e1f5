"""Where lips, brows, lashes, shadows and the like are on the toolkit's skin; each (V,) in [0, 1].

Unit: distance of the eye centres, origin between them, as in the built-in head, so that looks mean the
same on both. Everything is laid out on the mean face; it sticks to the vertices of every identity.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from emo3d_exp.faces.ict.eyeballs import IRIS, PUPIL
from emo3d_exp.faces.ict.openings import Openings
from emo3d_exp.faces.ict.topology import Topology
from emo3d_exp.faces.identity import smoothstep

BROW_DROP = 0.075
"""The landmarks lie on the upper edge of the brow; its middle is this much lower."""

CORNER = (0.358, -1.146), (0.022, 0.020)
"""Centre and size of the dark corner of the mouth."""

DIMPLE, DIMPLE_SHADE = ((0.405, -1.165), (0.055, 0.045)), 0.42
"""The skin that mouthDimple turns to the light below the corner, where a fold would shade it."""


def skin_masks(
    vertices: np.ndarray, hollow: np.ndarray, openings: Openings, topology: Topology
) -> dict[str, np.ndarray]:
    """Masks of the skin over all vertices of the toolkit's numbering; ``hollow`` (V,) is its occlusion."""
    face = _members(topology, "face")
    skin = face + _members(topology, "head")
    masks = _lips(vertices, openings, topology) | _eyes(vertices, openings, topology)
    x, y, z = vertices.T
    front = face * smoothstep(z, -0.45, -0.05)
    masks |= {
        "brows": _brows(vertices, topology) * front,
        "blush": _blush(np.abs(x), y) * front,
        "occlusion": np.clip(_occlusion(np.abs(x), y, z) * face + hollow * skin, 0, 1) * (1 - masks["lips"]),
        "stubble": _stubble(np.abs(x), y) * (1 - masks["lips"]) * skin,
        "skin_mottle": _mottle(x, y),
    }
    corner = face * _blob(np.abs(x), y, *CORNER)
    masks["lips"] = masks["lips"] * (1 - 0.85 * corner)
    masks["inner_lips"] = np.maximum(masks["inner_lips"], 0.25 * corner)
    for side, sign in (("Left", 1), ("Right", -1)):
        masks[f"wrinkle_mouthDimple{side}"] = DIMPLE_SHADE * face * _blob(sign * x, y, *DIMPLE)
    return {name: np.clip(mask, 0, 1) for name, mask in masks.items()}


def eye_masks(angles: np.ndarray, heights: np.ndarray) -> dict[str, np.ndarray]:
    """Masks of an eyeball: ``angles`` (N,) from the gaze in degrees, ``heights`` (N,) over the centre."""
    iris = (angles < IRIS).astype(float)
    under_lid = smoothstep(heights, 0.02, 0.10) * (1 - iris)
    return {
        "pupil": (angles < PUPIL).astype(float),
        "iris": iris,
        "iris_rim": iris * (angles > IRIS - 1),
        "iris_depth": iris * np.clip((angles - PUPIL) / (IRIS - PUPIL), 0, 1),
        "sclera_shade": np.clip(0.6 * smoothstep(angles, 36, 75) + 0.35 * under_lid, 0, 1),
    }


def _members(topology: Topology, group: str) -> np.ndarray:
    """1 for the vertices of a group, else 0; (V,)."""
    return np.isin(np.arange(topology.count), topology.groups[group]).astype(float)


def _lips(vertices: np.ndarray, openings: Openings, topology: Topology) -> dict[str, np.ndarray]:
    """The red between the lips' outlines; inner lips are the first rings that lead into the mouth."""
    outline = vertices[list(topology.outer_lips)]
    upper, lower = outline[:7], np.concatenate([outline[6:], outline[:1]])[::-1]
    x, y, _ = vertices.T
    left, right = outline[0, 0], outline[6, 0]
    across = np.clip(x, left, right)
    below_top = PchipInterpolator(*upper[:, :2].T)(across) - y
    above_bottom = y - PchipInterpolator(*lower[:, :2].T)(across)
    beyond = np.abs(x - across)
    inside = np.minimum(np.minimum(below_top, above_bottom), 0.02) - beyond
    rings, face = openings.mouth, _members(topology, "face")
    lips = smoothstep(inside, -0.014, 0.012) * (rings < 18) * face
    return {"lips": lips, "inner_lips": (1 - smoothstep(rings, 3.0, 7.5)) * face}


def _eyes(vertices: np.ndarray, openings: Openings, topology: Topology) -> dict[str, np.ndarray]:
    """Lashes along the margins, the crease above, the wet rim; by rings round the opening."""
    rings, face = openings.eyes, _members(topology, "face")
    corners = vertices[[topology.eye[0], topology.eye[3]]]
    (inner, low), (outer, high) = corners[:, :2]
    x, y, _ = vertices.T
    along = np.clip((np.abs(x) - inner) / (outer - inner), 0, 1)
    over = y - (low + along * (high - low))
    upper = smoothstep(over, 0.0, 0.035)
    arch = np.clip(4 * along * (1 - along), 0, 1) ** 0.5
    lashes = upper * smoothstep(rings, 1.0, 2.0) * (1 - smoothstep(rings, 4.0, 6.2))
    lashes += 0.35 * (1 - upper) * smoothstep(rings, 2.0, 4.0) * (1 - smoothstep(rings, 4.0, 6.0))
    crease = 0.5 * upper * np.exp(-0.5 * ((rings - 7.5) / 1.2) ** 2) * arch
    wet = (1 - smoothstep(rings, 1.0, 3.0)) * face
    return {
        "lashes": lashes * smoothstep(along, 0.02, 0.2) * face,
        "crease": np.where(np.isfinite(rings), crease, 0.0) * face,
        "wet": wet,
    }


def _brows(vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """Soft bands below the brow landmarks, tapering outwards and lighter at the inner end."""
    marks = vertices[list(topology.brow)]
    order = np.argsort(marks[:, 0])
    x, y = np.abs(vertices[:, 0]), vertices[:, 1]
    start, end = marks[order[0], 0], marks[order[-1], 0]
    t = (x - start) / (end - start)
    drop = BROW_DROP * (1 - 0.55 * np.clip(t, 0, 1) ** 1.5)
    line = PchipInterpolator(*marks[order, :2].T)(np.clip(x, start, end)) - drop
    half = 0.058 * (1 - 0.70 * np.clip(t, 0, 1) ** 1.7)
    off = np.abs(y - line) / half
    ends = smoothstep(t, -0.05, 0.07) * (1 - smoothstep(t, 0.88, 1.0))
    return (1 - smoothstep(off, 0.55, 1.25)) * ends * (0.72 + 0.28 * smoothstep(t, 0, 0.3))


def _bell(values: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * (values / width) ** 2)


def _blob(x: np.ndarray, y: np.ndarray, center: tuple[float, float], size: tuple[float, float]) -> np.ndarray:
    return _bell(x - center[0], size[0]) * _bell(y - center[1], size[1])


def _blush(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    cheek, nose = _blob(x, y, (0.62, -0.55), (0.25, 0.22)), _blob(x, y, (0, -0.56), (0.17, 0.16))
    return 0.8 * cheek + 0.7 * nose + 0.3 * _bell(y + 1.55, 0.12) * _bell(x, 0.2)


def _occlusion(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Where little light comes: sockets, round the nose, corners of the mouth, under lip and chin."""
    dark = 0.12 * _blob(x, y, (0.27, -0.03), (0.05, 0.11))
    dark += 0.16 * _blob(x, y, (0.27, -0.70), (0.035, 0.08))
    dark += 0.20 * _blob(x, y, (0.0, -0.80), (0.14, 0.03))
    dark += 0.16 * _blob(x, y, (0.0, -1.36), (0.22, 0.04))
    dark += 0.22 * _blob(x, y, (0.42, -1.145), (0.03, 0.03))
    return dark + 0.35 * smoothstep(-y, 1.72, 2.0) * smoothstep(z, -1.0, 0.1)


def _stubble(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Beard: cheeks below a line from ear to mouth, upper lip, chin, and down the throat."""
    cheek = smoothstep(-(y + 0.86 - 0.35 * np.clip(x - 0.45, 0, 1)), 0.0, 0.40)
    moustache = smoothstep(-(y + 0.82), 0.0, 0.10) * (1 - smoothstep(x, 0.30, 0.55))
    return np.maximum(cheek, moustache) * (1 - smoothstep(-y, 1.75, 2.45))


def _mottle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Faint unevenness of the skin's brightness; 0.5 is the mean."""
    waves = ((7.1, 3.0, 1.0), (-4.3, 6.9, 0.3), (11.7, -8.1, 2.1), (5.9, 15.1, 4.0), (-17.3, 6.1, 5.2))
    return 0.5 + 0.05 * sum(np.sin(a * x + b * y + phase + np.sin(3 * y + 2 * x)) for a, b, phase in waves)
