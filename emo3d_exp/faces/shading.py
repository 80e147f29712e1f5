"""Normals and light, per vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from emo3d_exp.faces.rig import PARTS, Rig
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES

SKIN_WRAP = np.array([0.36, 0.22, 0.17], np.float32)
"""How far light creeps past the shadow line, by channel: red light travels furthest in skin."""

WRINKLE_PREFIX = "wrinkle_"
WRINKLE_LIMIT = 0.6
WRINKLE_TINT = np.array([0.82, 1.0, 1.0], np.float32)
LIGHT_BY_PART = {
    "skin": (0.0, 1.0),
    "mouth_bag": (0.02, 0.45),
    "teeth": (0.22, 0.50),
    "tongue": (0.08, 0.55),
    "eye_left": (0.42, 0.50),
    "eye_right": (0.42, 0.50),
    "catchlight": (1.0, 0.0),
    "ear": (0.0, 1.0),
}
"""Part → (base, gain): irradiance is base + gain * light. Wet or sheltered parts show less of the light."""


class NormalField:
    """Vertex normals of one topology: area-weighted sums of face normals by one sparse product."""

    def __init__(self, faces: np.ndarray, count: int) -> None:
        self.count = count
        self.corners = [np.ascontiguousarray(faces[:, k]) for k in range(3)]
        triangles = np.repeat(np.arange(len(faces)), 3)
        entries = (np.ones(faces.size, np.float32), (faces.reshape(-1), triangles))
        self.gather = sparse.csr_matrix(entries, shape=(count, len(faces)), dtype=np.float32)

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """``(V, 3)`` positions → ``(V, 3)`` float32 unit normals; zero for unused vertices."""
        return np.ascontiguousarray(self.rows(np.ascontiguousarray(vertices.T)).T)

    def rows(self, vertices: np.ndarray) -> np.ndarray:
        """The same for positions and normals ``(3, V)``, which is faster."""
        u, v = [], []
        for axis in vertices:
            a, b, c = (axis.take(corner) for corner in self.corners)
            u.append(np.subtract(b, a, out=b))
            v.append(np.subtract(c, a, out=c))
        normals = np.empty(vertices.shape, np.float32)
        for axis, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
            cross = u[i] * v[j]
            cross -= u[j] * v[i]
            normals[axis] = self.gather @ cross
        length = np.einsum("ij,ij->j", normals, normals)
        normals /= np.maximum(np.sqrt(length, out=length), np.float32(1e-20), out=length)
        return normals


class Wrinkles:
    """Darkening by folds that come with an expression: ``1 - clip(sum_k weight_k * mask_k, 0, 0.6)``."""

    def __init__(self, rig: Rig) -> None:
        names = [name for name in rig.masks if name.removeprefix(WRINKLE_PREFIX) in BLENDSHAPE_INDEX]
        names = [name for name in names if name.startswith(WRINKLE_PREFIX)]
        table = np.zeros((len(rig.neutral), len(BLENDSHAPES)), np.float32)
        for name in names:
            table[:, BLENDSHAPE_INDEX[name.removeprefix(WRINKLE_PREFIX)]] = rig.masks[name]
        self.rows = np.flatnonzero(table.any(axis=1))
        self.table = sparse.csr_matrix(table[self.rows])

    def shaded_by(self, shapes: np.ndarray | None) -> np.ndarray:
        """Those of ``rows`` that some of the 51 shapes darken; None for any shape."""
        if shapes is None:
            return self.rows
        return self.rows[abs(self.table[:, shapes + 1]).sum(axis=1).A1 > 0]

    def shade(self, weights: np.ndarray, strength: float) -> np.ndarray | None:
        """Factors ``(3, R)`` of the display colours of ``rows``, by blendshapes ``(52,)``; None: no folds."""
        if not len(self.rows) or strength == 0:
            return None
        depth = np.clip(self.table @ weights * np.float32(strength), 0, WRINKLE_LIMIT)
        return 1 - WRINKLE_TINT[:, None] * depth


@dataclass(frozen=True)
class Light:
    """A scene: directions point to the light, camera coordinates; strengths in linear light."""

    direction: tuple[float, float, float] = (0.4, 0.5, 0.8)
    ambient: float = 0.42
    key: float = 0.62
    fill: float = 0.16
    specular: float = 0.055


class Shader:
    """Hemispheric ambient, a wrapped key light, a weak fill from the other side, two highlights: a wide sheen
    and a tight gloss."""

    def __init__(self, rig: Rig) -> None:
        table = np.array([LIGHT_BY_PART[part] for part in PARTS], np.float32)
        self.base, self.gain = np.ascontiguousarray(table[rig.part].T)
        skin = np.isin(rig.part, [PARTS.index("skin"), PARTS.index("ear")])
        wet = ~np.isin(rig.part, [PARTS.index(part) for part in ("skin", "ear", "catchlight", "mouth_bag")])
        dull = sum(rig.masks.get(mask, 0.0) for mask in ("hair", "brows", "nostril"))
        lips = rig.masks.get("lips", 0.0)
        self.sheen = (0.45 * skin * np.clip(1 - 0.8 * dull, 0, 1) + 0.3 * lips).astype(np.float32)
        self.gloss = (0.8 * skin * np.clip(1 - dull, 0, 1) + 0.9 * wet + 1.2 * lips).astype(np.float32)

    def __call__(
        self, albedo: np.ndarray, normals: np.ndarray, light: Light, rotation: np.ndarray
    ) -> np.ndarray:
        """Linear colours ``(3, V)``.

        Args:
            albedo: ``(3, V)`` linear.
            normals: ``(3, V)`` in the rig's coordinates.
            light: in the camera's.
            rotation: ``(3, 3)`` from the rig's to the camera's.
        """
        irradiance, wide, tight = _receive(normals, light, rotation)
        irradiance *= self.gain
        irradiance += self.base
        irradiance *= albedo
        wide *= self.sheen
        wide += self.gloss * tight
        wide *= np.float32(light.specular)
        irradiance += wide
        return irradiance


def _receive(
    normals: np.ndarray, light: Light, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Irradiance ``(3, V)`` and a wide and a tight highlight ``(V,)``."""
    key = _unit(light.direction)
    half = _unit(key + np.array([0, 0, 1], np.float32))
    directions = np.stack([key, _unit((-1.5 * key[0], 0.1, 0.7)), half, np.float32([0, 1, 0])])
    toward_key, toward_fill, toward_half, up = (directions @ rotation) @ normals
    toward_fill += np.float32(0.1)
    rest = np.clip(toward_fill, 0, 1.1, out=toward_fill)
    rest *= np.float32(light.fill / 1.1)
    up *= np.float32(0.22 * light.ambient)
    rest += up
    rest += np.float32(0.78 * light.ambient)
    wrapped = np.empty(normals.shape, np.float32)
    for row, wrap in zip(wrapped, SKIN_WRAP, strict=True):
        np.add(toward_key, wrap, out=row)
        row *= np.float32(light.key) / (1 + wrap)
        np.clip(row, 0, np.float32(light.key), out=row)
    wrapped += rest
    eighth = np.clip(toward_half, 0, 1, out=toward_half)
    for _ in range(3):
        eighth *= eighth
    tight = eighth * eighth
    tight *= tight
    return wrapped, eighth, tight


def _unit(vector: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    array = np.asarray(vector, np.float32)
    return array / np.float32(max(float(np.linalg.norm(array)), 1e-9))


_STEPS = 4096


def _encode(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _decode(display: np.ndarray) -> np.ndarray:
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


_ENCODE = _encode(np.arange(_STEPS) / (_STEPS - 1)).astype(np.float32)
_DECODE = _decode(np.arange(_STEPS) / (_STEPS - 1)).astype(np.float32)


def to_display(linear: np.ndarray) -> np.ndarray:
    """Linear → sRGB, both float32 in [0, 1] (clipped), by a table of 4,096 steps (IEC 61966-2-1)."""
    return _ENCODE.take(_index(linear))


def to_linear(display: np.ndarray) -> np.ndarray:
    """sRGB → linear, both float32 in [0, 1] (clipped), by a table of 4,096 steps."""
    return _DECODE.take(_index(display))


def _index(values: np.ndarray) -> np.ndarray:
    steps = np.clip(values, 0, 1)
    steps *= np.float32(_STEPS - 1)
    steps += np.float32(0.5)
    return steps.astype(np.uint16)
