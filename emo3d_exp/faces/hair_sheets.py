"""Sheets of strands over the scalp: where the hair of a style lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.hair_arcs import arcs, untangled
from emo3d_exp.faces.hair_styles import Style
from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.scalp import CENTER, Scalp, directions, hairline

POLE = (180.0, 68.0)
"""The whorl, azimuth and elevation."""


@dataclass(frozen=True)
class Sheet:
    """Rows from root to tip by columns of strands; all ``(rows, columns)`` but ``points``, with xyz."""

    points: np.ndarray
    alpha: np.ndarray
    tint: np.ndarray
    hanging: int = 0
    """Rows at the end that hang free."""
    open: bool = False
    """Whether the inside of the hanging rows shows."""
    strands: int = 0
    """Single strands that are drawn on it."""

    @property
    def anchors(self) -> np.ndarray:
        """Where each point is held: hanging hair by the scalp, so that it does not move with the jaw."""
        anchors = self.points.copy()
        if self.hanging:
            anchors[-self.hanging :] = anchors[-self.hanging - 1]
        return anchors


def hair_sheets(scalp: Scalp, how: Style, receding: float, rng: np.random.Generator) -> list[Sheet]:
    """The sheets of a style that is not painted only; ``receding`` 0…1 bares the temples."""
    make = _brushed if how.kind == "brushed" else _parted
    sheets = make(scalp, how, receding, rng)
    if how.bun:
        sheets.append(_bun(scalp, how, rng))
    if how.tail:
        sheets.append(_tail(how, rng))
    return sheets


def _brushed(scalp: Scalp, how: Style, receding: float, rng: np.random.Generator) -> list[Sheet]:
    """Strands that begin at the hairline and run to the whorl."""
    u = np.linspace(-1, 1, how.columns)
    azimuth = 180 * u * (0.55 + 0.45 * np.abs(u))
    t = np.linspace(0, 1, how.rows) ** 1.7
    noise = rng.normal(0, how.rag, how.columns)
    noise[-1] = noise[0]
    start = directions(azimuth, hairline(azimuth, receding) + noise)
    end = directions(POLE[0] + how.swirl, POLE[1] - 0.25 * how.swirl)
    toward = arcs(untangled(start, end), np.broadcast_to(end, start.shape), t)
    depth = (
        _volume(how, toward) * smoothstep(t, 0, how.rise)[:, None] ** 0.7
        + 0.012 * smoothstep(t, 0, 0.08)[:, None]
        - 0.004
    )
    depth += (
        how.quiff
        * np.exp(-((azimuth / 38) ** 2))
        * (smoothstep(t, 0.0, 0.16) * (1 - smoothstep(t, 0.2, 0.75)))[:, None]
    )
    locks = _locks(rng, how.columns)
    locks[-1] = locks[0]
    depth += how.locks * locks * (smoothstep(t, 0.0, 0.2) * (1 - smoothstep(t, 0.5, 1.0)))[:, None]
    depth, tint = _curls(how, toward, depth, smoothstep(t, 0, 0.12)[:, None])
    tint = tint * _strands(rng, len(t), how.columns, closed=True)
    begin = 0.012 * rng.random(how.columns) + 0.004
    alpha = smoothstep(t[:, None] - begin, -0.014, 0.085)
    alpha[:, -1] = alpha[:, 0]
    return [Sheet(_out(scalp, how, toward, depth), alpha, tint, strands=how.strands)]


def _parted(scalp: Scalp, how: Style, receding: float, rng: np.random.Generator) -> list[Sheet]:
    """Strands that begin at the parting and fall to both sides."""
    sheets = []
    front = directions(how.part, hairline(how.part, receding) + how.part_height)
    pole = directions(*POLE)
    for sign in (1, -1):
        u = np.linspace(0, 1, how.columns)
        azimuth = how.first + (180 - how.first) * u**1.35
        along = how.first_root + (1 - how.first_root) * smoothstep(azimuth, how.first, 118)
        start = arcs(front[None], pole[None], along)[:, 0]
        low = hairline(azimuth, receding) if how.fringe is None else _fringe_edge(how, azimuth, receding)
        ragged = rng.normal(0, how.rag, how.columns) * smoothstep(azimuth, how.first, how.first + 12)
        low = np.maximum(low, how.lowest) + ragged
        end = directions(sign * azimuth, low)
        t = np.linspace(0, 1, how.rows) ** 0.85
        toward = arcs(start, end, t)
        sheets.append(_fall(scalp, how, toward, azimuth, t, rng))
    return sheets


def _fringe_edge(how: Style, azimuth: np.ndarray, receding: float) -> np.ndarray:
    share = smoothstep(azimuth, 40, 62)
    return how.fringe * (1 - share) + hairline(azimuth, receding) * share


def _fall(
    scalp: Scalp, how: Style, toward: np.ndarray, azimuth: np.ndarray, t: np.ndarray, rng: np.random.Generator
) -> Sheet:
    """One side of parted hair: over the scalp, then straight down."""
    open_front = how.fringe is None
    edge = smoothstep(azimuth - azimuth[0], 0, 24) if open_front else np.ones(len(azimuth))
    near_root = smoothstep(t, 0, 0.22)[:, None]
    free = smoothstep(t, 0.55, 1.0)[:, None]
    tucked = 1 - (1 - edge) * (1 - 0.35 * free)
    depth = _volume(how, toward) * (0.35 + 0.65 * near_root) * tucked
    depth += how.locks * _locks(rng, how.columns) * near_root * smoothstep(azimuth - azimuth[0], 0, 14)
    depth, curl = _curls(how, toward, depth + 0.008 * tucked + 0.010, near_root)
    points = _out(scalp, how, toward, depth)
    alpha = np.broadcast_to(1 - (1 - smoothstep(edge, -0.01, 0.12)) * (1 - free), depth.shape).copy()
    if how.fringe is not None:
        wisps = rng.uniform(0.0, 0.75, len(azimuth)) * (1 - smoothstep(azimuth, 40, 50))
        alpha *= 1 - wisps * smoothstep(t, 0.95, 1.0)[:, None]
    tint = curl * _strands(rng, len(t), len(azimuth)) * (0.72 + 0.28 * near_root)
    down, shade = _hanging(how, points[-1], azimuth, rng)
    return Sheet(
        np.concatenate([points, down]),
        np.concatenate([alpha, np.ones(down.shape[:2])]),
        np.concatenate([tint, tint[-1] * shade]),
        hanging=len(down),
        open=True,
        strands=how.strands // 2,
    )


def _hanging(how: Style, last: np.ndarray, azimuth: np.ndarray, rng: np.random.Generator) -> tuple:
    """Rows ``(H, K, 3)`` below the last one, and their brightness."""
    drop = np.linspace(0, 1, how.hang_rows + 1)[1:, None]
    length = how.length * (1 + _locks(rng, how.columns) * 0.025 + rng.normal(0, 0.004, how.columns))
    if how.fringe is not None:
        length = length * smoothstep(azimuth, 46, 66)
    fall = drop * length
    out = 1 + how.flare * smoothstep(fall, 0, 0.8)
    out = out - how.tuck * smoothstep(drop, 0.55, 1.0) * np.clip(2 * length, 0, 1)
    a = np.deg2rad(azimuth)
    phase = 7.5 * fall + 1.8 * np.sin(3 * a) + 0.6 * _locks(rng, how.columns)
    out = out + how.wave * np.sin(phase) * smoothstep(fall, 0, 0.6)
    points = CENTER + (last - CENTER) * out[..., None]
    points[..., 1] = last[:, 1] - fall
    return points, 1 + min(0.1, 3 * how.wave) * np.sin(phase) - 0.12 * drop


def _volume(how: Style, toward: np.ndarray) -> np.ndarray:
    high = smoothstep(toward[..., 1], 0.15, 0.9)
    return how.side + (how.top - how.side) * high


def _out(scalp: Scalp, how: Style, toward: np.ndarray, depth: np.ndarray) -> np.ndarray:
    radius = scalp.radius(toward) + depth
    if how.over_ears:
        radius += np.clip(scalp.clearance(toward) + 0.04 - depth, 0, None)
    return CENTER + toward * radius[..., None]


def _curls(how: Style, toward: np.ndarray, depth: np.ndarray, grown: np.ndarray) -> tuple:
    """Bumps for curly hair and their shade."""
    if how.bumps == 0:
        return depth, np.ones(depth.shape)
    x, y, z = np.moveaxis(toward * 13, -1, 0)
    bump = np.sin(x + 1.7 * np.sin(0.9 * y)) * np.sin(y + 1.5 * np.sin(1.1 * z)) + np.sin(z + 1.3 * np.sin(x))
    return depth + how.bumps * 0.5 * bump * grown, 1 + 0.32 * np.clip(bump, -1.2, 1.2) * grown


def _strands(rng: np.random.Generator, rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Brightness ``(rows, columns)``: single strands and locks of several, drifting along their length."""
    fine = rng.normal(0, 1, (2, columns))
    locks = np.stack([_locks(rng, columns), _locks(rng, columns)])
    along = np.linspace(0, 1, rows)[:, None]
    streaks = 0.10 * (fine[0] * (1 - along) + fine[1] * along)
    streaks = streaks + 0.11 * (locks[0] * (1 - along) + locks[1] * along)
    if closed:
        streaks[:, -1] = streaks[:, 0]
    return np.clip(1 + streaks, 0.55, 1.5)


def _locks(rng: np.random.Generator, columns: int) -> np.ndarray:
    """Noise ``(columns,)`` of unit deviation, alike within a lock of about four columns."""
    noise = np.convolve(np.tile(rng.normal(0, 1, columns), 3), np.hanning(7), "same")[columns : 2 * columns]
    return noise / noise.std()


def _bun(scalp: Scalp, how: Style, rng: np.random.Generator) -> Sheet:
    """A ball of wound hair on the scalp."""
    azimuth, elevation, size = how.bun
    toward = directions(azimuth, elevation)
    middle = CENTER + toward * (scalp.radius(toward[None])[0] + 0.62 * size)
    up = toward
    side = np.array([1.0, 0.0, 0.0])
    front = np.cross(up, side)
    around, polar = np.linspace(0, 2 * np.pi, 25), np.linspace(0.0, 2.5, 9)[:, None]
    ring = np.cos(around)[:, None] * side + np.sin(around)[:, None] * front
    bulge = 1 + 0.05 * np.sin(3 * around + 2.5 * polar)
    points = middle + size * bulge[..., None] * (
        np.sin(polar)[..., None] * ring + 0.8 * np.cos(polar)[..., None] * up
    )
    tint = _strands(rng, 9, 25, closed=True) * (1 - 0.35 * smoothstep(polar, 1.4, 2.4))
    return Sheet(points[::-1], np.ones((9, 25)), tint[::-1])


_TAIL = np.array([(0.25, -0.55, -2.1), (0.60, -1.0, -1.75), (0.88, -1.5, -1.15), (0.95, -2.0, -0.7),
                  (0.92, -2.6, -0.5), (0.88, -3.2, -0.42)])  # fmt: skip
"""From the back of the head over the left shoulder."""


def _tail(how: Style, rng: np.random.Generator) -> Sheet:
    """A tube of hair along a curve, thinner at both ends."""
    from scipy.interpolate import CubicSpline

    along = np.linspace(0, 1, 15)
    curve = CubicSpline(np.linspace(0, 1, len(_TAIL)), _TAIL)
    middle, forward = curve(along), curve(along, 1)
    side = np.cross(forward, [0.3, 0.2, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    front = np.cross(side, forward)
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    around = np.linspace(0, 2 * np.pi, 21)
    width = how.tail * (0.45 + 0.55 * smoothstep(along, 0.0, 0.4)) * (1 - 0.5 * smoothstep(along, 0.7, 1.0))
    lumps = 1 + 0.05 * np.sin(5 * around + 6 * along[:, None])
    ring = np.cos(around)[:, None] * side[:, None] + 0.8 * np.sin(around)[:, None] * front[:, None]
    points = middle[:, None] + (width[:, None] * lumps)[..., None] * ring
    ones = np.ones(points.shape[:2])
    return Sheet(points, ones, _strands(rng, len(along), len(around), closed=True), hanging=len(along) - 1)
