"""Other people in the same mesh: smooth changes of proportion.

Every trait scales and shifts space by fields that are fixed on the rest pose, so a posed face ``v``
becomes ``v * (1 + scale) + shift``: what is scaled about a point (an eye) stays closed when it closes.
Units and positions are those of the built-in head: distance between the eye centres, origin between
them.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from emo3d_exp.faces.rig import PARTS, Rig

EYE_X, EYE_Y = 0.485, -0.02
MOUTH_Y = -1.1


@dataclass(frozen=True)
class Identity:
    """Traits in standard deviations of a population; 0 is the head as modelled."""

    jaw_width: float = 0.0
    face_length: float = 0.0
    nose_length: float = 0.0
    nose_width: float = 0.0
    nose_depth: float = 0.0
    brow_height: float = 0.0
    brow_ridge: float = 0.0
    eye_size: float = 0.0
    mouth_width: float = 0.0
    lip_fullness: float = 0.0
    cheek_fullness: float = 0.0
    chin: float = 0.0
    neck_width: float = 0.0
    masculinity: float = 0.0

    def traits(self) -> np.ndarray:
        """``(K,)`` float32 amounts per field, masculinity spread over the traits that it moves."""
        values = dict(zip((f.name for f in fields(self)), astuple(self), strict=True))
        male = values.pop("masculinity")
        shares = {"jaw_width": 0.9, "brow_ridge": 1.0, "brow_height": -0.6, "lip_fullness": -0.5}
        shares |= {"chin": 0.9, "neck_width": 1.2, "face_length": 0.4, "nose_width": 0.3, "eye_size": -0.4}
        for trait, share in shares.items():
            values[trait] += share * male
        return np.array(list(values.values()), np.float32)


TRAITS: tuple[str, ...] = tuple(f.name for f in fields(Identity))[:-1]


class IdentityBasis:
    """Fields of all traits for one rig; rigs without masks have none, for their proportions are unknown."""

    def __init__(self, rig: Rig) -> None:
        self.active = bool(rig.masks)
        if self.active:
            pairs = [_FIELDS[trait](_Rest(rig)) for trait in TRAITS]
            self.scale = np.stack([pair[0] for pair in pairs]).astype(np.float32)
            self.shift = np.stack([pair[1] for pair in pairs]).astype(np.float32)
            inside, skin = _seam(rig)
            for field in (self.scale, self.shift):
                field[:, inside] = field[:, skin]

    def gain_and_shift(self, identity: Identity) -> tuple[np.ndarray, np.ndarray] | None:
        """What traits do to posed vertices: ``v * gain + shift``, both ``(V, 3)``; None for nothing."""
        amounts = identity.traits()
        if not self.active or not amounts.any():
            return None
        used = np.flatnonzero(amounts)
        scale = np.tensordot(amounts[used], self.scale[used], 1)
        return 1 + scale, np.tensordot(amounts[used], self.shift[used], 1)

    def apply(self, vertices: np.ndarray, identity: Identity) -> np.ndarray:
        """Posed vertices ``(V, 3)`` of a person with these traits."""
        change = self.gain_and_shift(identity)
        return vertices if change is None else vertices * change[0] + change[1]


class _Rest:
    """Rest coordinates and the weights that several traits use."""

    def __init__(self, rig: Rig) -> None:
        self.x, self.y, self.z = rig.neutral.T.astype(np.float64)
        self.ax = np.abs(self.x)
        self.front = smoothstep(self.z, -0.9, -0.1)
        self.lips = np.asarray(rig.masks.get("lips", np.zeros(len(self.x))), np.float64)
        eyes = [PARTS.index("eye_left"), PARTS.index("eye_right"), PARTS.index("catchlight")]
        self.eyeball = np.isin(rig.part, eyes)
        self.inside = np.isin(rig.part, [PARTS.index(p) for p in ("mouth_bag", "teeth", "tongue")])
        self.zero = np.zeros_like(rig.neutral, np.float64)

    def scaled(self, weight: np.ndarray, axes: str, center: tuple = (0.0, 0.0, 0.0)) -> tuple:
        """Scale by ``weight`` along ``axes`` about ``center`` (entries may be arrays)."""
        scale, shift = self.zero.copy(), self.zero.copy()
        for axis in axes:
            k = "xyz".index(axis)
            scale[:, k] = weight
            shift[:, k] = -weight * center[k]
        return scale, shift

    def shifted(self, **weights: np.ndarray) -> tuple:
        """Shift by ``weights`` along x, y or z."""
        shift = self.zero.copy()
        for axis, weight in weights.items():
            shift[:, "xyz".index(axis)] = weight
        return self.zero.copy(), shift


def _seam(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the mouth's inside that lie on a vertex of the skin, and those: one would part from the
    other where a trait moves only skin."""
    from scipy.spatial import cKDTree

    inside, skin = (np.flatnonzero(rig.part == PARTS.index(part)) for part in ("mouth_bag", "skin"))
    if not len(inside) or not len(skin):
        return inside[:0], skin[:0]
    gap, near = cKDTree(rig.neutral[skin]).query(rig.neutral[inside])
    return inside[gap == 0], skin[near[gap == 0]]


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, cubic between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _bell(values: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * (values / width) ** 2)


def _jaw_width(r: _Rest) -> tuple:
    return r.scaled(0.045 * smoothstep(-r.y, 0.4, 1.4) * smoothstep(r.y, -2.6, -2.0), "x")


def _face_length(r: _Rest) -> tuple:
    return r.shifted(y=-0.055 * smoothstep(-r.y, 0.7, 1.7))


def _nose_length(r: _Rest) -> tuple:
    return r.shifted(y=-0.03 * np.exp(-((r.x / 0.25) ** 2)) * _bell(r.y + 0.62, 0.16) * r.front)


def _nose_width(r: _Rest) -> tuple:
    return r.scaled(0.09 * np.exp(-((r.ax / 0.34) ** 4)) * _bell(r.y + 0.64, 0.14) * r.front, "x")


def _nose_depth(r: _Rest) -> tuple:
    return r.shifted(z=0.04 * np.exp(-((r.x / 0.18) ** 2)) * _bell(r.y + 0.45, 0.24) * r.front)


def _brow_height(r: _Rest) -> tuple:
    return r.shifted(y=0.016 * _bell(r.y - 0.32, 0.12) * r.front * ~r.eyeball)


def _brow_ridge(r: _Rest) -> tuple:
    ridge = _bell(r.y - 0.26 - 0.1 * r.ax, 0.09) * _bell(r.ax - 0.4, 0.32) * r.front * ~r.eyeball
    return r.shifted(z=0.035 * ridge, y=-0.012 * ridge)


def _eye_size(r: _Rest) -> tuple:
    side = np.where(r.x < 0, -EYE_X, EYE_X)
    away = np.hypot(r.x - side, (r.y - EYE_Y) * 1.25)
    weight = np.where(r.eyeball, 1.0, (1 - smoothstep(away, 0.29, 0.48)) * r.front)
    return r.scaled(0.05 * weight, "xyz", (side, EYE_Y, 0.0))


def _mouth_width(r: _Rest) -> tuple:
    return r.scaled(0.05 * np.exp(-((r.ax / 0.72) ** 4)) * _bell(r.y - MOUTH_Y, 0.2) * r.front, "x")


def _lip_fullness(r: _Rest) -> tuple:
    outward = np.clip(r.y - MOUTH_Y - 0.02 * r.ax, -0.2, 0.2) * (r.lips > 0)
    near = np.where(r.inside, 0.0, np.exp(-((r.ax / 0.42) ** 6)) * _bell(r.y - MOUTH_Y, 0.11))
    return r.shifted(y=0.16 * outward * near, z=0.012 * near)


def _cheek_fullness(r: _Rest) -> tuple:
    cheek = _bell(r.ax - 0.72, 0.24) * _bell(r.y + 0.85, 0.33) * smoothstep(r.z, -0.8, 0.0) * ~r.inside
    return r.shifted(z=0.03 * cheek, x=0.03 * cheek * np.sign(r.x))


def _chin(r: _Rest) -> tuple:
    chin = np.exp(-((r.ax / 0.36) ** 2)) * _bell(r.y + 1.6, 0.17) * smoothstep(r.z, -0.6, -0.1) * ~r.inside
    scale, shift = r.scaled(0.06 * chin, "x")
    shift[:, 2] += 0.025 * chin
    shift[:, 1] -= 0.015 * chin
    return scale, shift


def _neck_width(r: _Rest) -> tuple:
    return r.scaled(0.05 * smoothstep(-r.y, 1.6, 2.1), "x")


_FIELDS = {
    "jaw_width": _jaw_width,
    "face_length": _face_length,
    "nose_length": _nose_length,
    "nose_width": _nose_width,
    "nose_depth": _nose_depth,
    "brow_height": _brow_height,
    "brow_ridge": _brow_ridge,
    "eye_size": _eye_size,
    "mouth_width": _mouth_width,
    "lip_fullness": _lip_fullness,
    "cheek_fullness": _cheek_fullness,
    "chin": _chin,
    "neck_width": _neck_width,
}
