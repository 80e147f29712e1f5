"""How far each of the 51 morph targets moves the points of a part."""

from __future__ import annotations

import re

import numpy as np

from emo3d_plugin_example.cartoon import EYE, Piece

Moved = tuple[np.ndarray | float, np.ndarray | float, np.ndarray | float]


def motion(piece: Piece, target: str) -> np.ndarray:
    """(N, 3) by which a target at 1 moves the points. Parts that it does not concern stay."""
    shape, side = re.fullmatch(r"(.+?)(Left|Right)?", target).groups()
    sign = {"Left": 1, "Right": -1, None: 0}[side]
    move = {"head": _head, "nose": _nose, "cheek": _cheek, "brow": _brow, "mouth": _mouth}.get(
        piece.name, _eye
    )
    moved = np.zeros((len(piece.points), 3))
    if not (piece.side and sign and piece.side != sign):  # of the other side
        for axis, values in enumerate(move(piece, shape, sign)):
            moved[:, axis] = values
    return moved


def _head(piece: Piece, shape: str, sign: int) -> Moved:
    x, y, z = piece.points.T
    chin = np.clip((-y - 0.6) / 0.4, 0, 1)
    cheeks = np.exp(-(((np.abs(x) - 0.6) / 0.3) ** 2) - ((y + 0.3) / 0.3) ** 2) * (z > -0.1)
    return {
        "jawOpen": (0, -0.14 * chin, 0),
        "jaw": (0.07 * sign * chin, 0, 0),
        "jawForward": (0, 0, 0.12 * chin * (z > -0.1)),
        "cheekPuff": (0.12 * np.sign(x) * cheeks, 0, 0.06 * cheeks),
    }.get(shape, (0, 0, 0))


def _nose(piece: Piece, shape: str, sign: int) -> Moved:
    x, _ = piece.points.T
    own = np.clip(0.5 + sign * x / 0.16, 0, 1)
    return (0.015 * sign * own, 0.035 * own, 0) if shape == "noseSneer" else (0, 0, 0)


def _cheek(piece: Piece, shape: str, sign: int) -> Moved:
    x, y = piece.points.T - np.array([[piece.points[0, 0]], [piece.points[0, 1]]])
    return {
        "cheekSquint": (0.1 * x, 0.07 + 0.2 * y, 0),
        "mouthSmile": (0.1 * x, 0.05, 0),
        "cheekPuff": (0.35 * x + 0.03 * piece.side, 0.35 * y, 0.14),
    }.get(shape, (0, 0, 0))


def _brow(piece: Piece, shape: str, sign: int) -> Moved:
    inner = (1 - piece.side * piece.along) / 2
    toward_nose = -piece.side
    return {
        "browDown": (0.03 * toward_nose, -0.05 - 0.08 * inner, 0),
        "browInnerUp": (0.02 * toward_nose * inner, 0.02 + 0.14 * inner, 0),
        "browOuterUp": (0, 0.03 + 0.12 * (1 - inner), 0),
        "noseSneer": (0, -0.03 * inner, 0),
        "eyeWide": (0, 0.03, 0),
    }.get(shape, (0, 0, 0))


def _eye(piece: Piece, shape: str, sign: int) -> Moved:
    x, y = piece.points[:, 0] - piece.side * EYE[0], piece.points[:, 1] - EYE[1]
    lid = -0.04 - 0.03 * (1 - (x / 0.2) ** 2)  # the line of a closed eye, below the middle
    behind = -1.1 * (piece.layer - 0.012)  # the rim's layer, only just, when the eye is all but closed
    opening = piece.name in ("rim", "white")
    gaze = 0.0 if opening else 0.07
    upper, lower = opening * np.maximum(y, 0), opening * np.maximum(-y, 0)
    return {
        "eyeBlink": (0, (0.88 if piece.name == "rim" else 1.0) * (lid - y), behind),
        "eyeWide": (0.05 * x * opening, 0.2 * y * opening, 0),
        "eyeSquint": (0, 0.5 * lower - 0.25 * upper, 0),
        "cheekSquint": (0, 0.35 * lower, 0),
        "eyeLookUp": (0, gaze + 0.05 * upper, 0),
        "eyeLookDown": (0, -gaze - 0.25 * upper, 0),
        "eyeLookIn": (-gaze * piece.side, 0, 0),
        "eyeLookOut": (gaze * piece.side, 0, 0),
    }.get(shape, (0, 0, 0))


def _mouth(piece: Piece, shape: str, sign: int) -> Moved:
    """Rows of the upper lip go up and those of the lower down where the mouth opens."""
    along, row, x = piece.along, piece.row, piece.points[:, 0]
    middle = 1 - along**2
    corner = np.clip(sign * along, 0, 1)
    own = np.clip(0.5 + sign * along, 0, 1)
    upper, lower = np.clip(row, 0, 1), np.clip((1 - row) / 2, 0, 1)
    lip_upper, lip_lower = np.clip(row - 1, 0, 1), np.clip(-row - 1, 0, 1)
    opened = -0.05 * np.abs(along) * 0.5 - 0.30 * lower * middle
    return {
        "mouthSmile": (0.09 * sign * corner, 0.24 * corner**2 - 0.03 * own * middle, 0),
        "mouthFrown": (0.02 * sign * corner, -0.19 * corner**2 + 0.02 * own * middle, 0),
        "mouthDimple": (0.06 * sign * corner, 0.03 * corner, 0),
        "mouthStretch": (0.10 * sign * corner, -0.05 * corner, 0),
        "mouth": (0.10 * sign, 0, 0),
        "mouthPucker": (-0.5 * x, 0.05 * (lip_upper - lip_lower) * middle, 0.04),
        "mouthFunnel": (-0.35 * x, 0.07 * (upper - lower) * middle + 0.03 * (lip_upper - lip_lower), 0.05),
        "mouthRollUpper": (0, -0.03 * lip_upper * middle, 0),
        "mouthRollLower": (0, 0.045 * lip_lower * middle, 0),
        "mouthShrugUpper": (0, 0.035 * middle, 0.01),
        "mouthShrugLower": (0, 0.03 * middle + 0.02 * lip_lower, 0.02),
        "mouthPress": (0, (0.03 * lip_lower - 0.02 * lip_upper) * own * middle, 0),
        "mouthLowerDown": (0, -0.08 * lower * own * middle, 0.02 * lower),
        "mouthUpperUp": (0, 0.08 * upper * own * middle, 0),
        "noseSneer": (0, 0.03 * upper * own * middle, 0),
        "jawOpen": (-0.12 * x, opened, 0.12 * lower * middle),
        "mouthClose": (0.12 * x, -0.9 * opened, -0.1 * lower * middle),
        "jaw": (0.05 * sign * (0.5 + lower), 0, 0),
        "jawForward": (0, 0, 0.07 * lower),
        "cheekPuff": (0, 0.03 * lip_lower * middle - 0.02 * lip_upper * middle, 0.02),
    }.get(shape, (0, 0, 0))
