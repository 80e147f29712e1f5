"""Colours of a masked rig in a given look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emo3d_exp.faces.beards import beard_mask
from emo3d_exp.faces.hair_styles import STYLES
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.rig import PARTS, Rig
from emo3d_exp.faces.scalp import hair_shadow, scalp_mask
from emo3d_exp.faces.shading import to_display, to_linear

SCLERA = (0.93, 0.91, 0.89)
ENAMEL = (0.93, 0.91, 0.86)
GUMS = (0.62, 0.32, 0.31)
PUPIL = (0.02, 0.02, 0.02)
HAIR_SHADE = np.float32([0.16, 0.20, 0.22])
AT_ROOTS, UNDER_SHEETS = (-2.5, 5.0), (7.0, 22.0)
"""Degrees over the hairline between which painted hair fades in."""
SCALP_COVER = {"bald": (0.06, 0.6), "buzz": (0.72, 1.0)}
"""Style → how far the scalp takes the colour of the hair, and that colour's brightness."""


class Painter:
    """Lays masks over base colours, part by part; foreign rigs (no masks) keep their own colours."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self._scalps, self._beards = rig, {}, {}
        self.own = to_display(rig.colors)
        self.masked = bool(rig.masks)
        members = {name: np.flatnonzero(rig.part == code) for code, name in enumerate(PARTS)}
        self.skin, self.teeth, self.ears = members["skin"], members["teeth"], members["ear"]
        self.eyes = np.concatenate([members["eye_left"], members["eye_right"]])
        self.catchlight = members["catchlight"]
        self.layers = {name: _layer(mask) for name, mask in rig.masks.items() if "wrinkle" not in name}
        self.mottle = _detail(rig.masks, "skin_mottle")
        self.strands = _detail(rig.masks, "hair_strands")
        self.iris_depth = np.asarray(rig.masks.get("iris_depth", np.full(len(self.own), 0.5)), np.float32)

    def __call__(self, look: Look) -> np.ndarray:
        """``(V, 3)`` float32 display colours in [0, 1]."""
        colors = self.own.copy()
        if not self.masked:
            return colors
        skin = np.asarray(look.skin, np.float32)
        self._paint_eyes(colors, look)
        self._paint_teeth(colors)
        colors[self.skin] = skin
        colors[self.ears] = skin * np.float32([1.0, 0.92, 0.90])
        self._paint_skin(colors, skin, look)
        self._paint_hair(colors, skin, look)
        return np.clip(colors, 0, 1)

    def _mix(self, colors: np.ndarray, mask: str, amount: float, color: object, power: float = 1.0) -> None:
        """``colors += amount * mask * (color - colors)`` where the mask is not zero."""
        if mask not in self.layers or amount == 0:
            return
        rows, weights = self.layers[mask]
        weights = weights if power == 1 else weights**power
        weights = np.minimum(weights * np.float32(amount), 1)[:, None]
        below = colors[rows]
        colors[rows] = below + weights * (np.asarray(color, np.float32) - below)

    def _paint_skin(self, colors: np.ndarray, skin: np.ndarray, look: Look) -> None:
        if self.mottle is not None:
            colors[self.skin] *= 1 + 0.035 * self.mottle[self.skin, None]
        lip = np.asarray(look.lip, np.float32)
        beard = 0.66 * skin * np.float32([0.92, 0.95, 1.0]) + 0.20 * np.float32(look.brow)
        self._mix(colors, "forehead", 0.4, skin * np.float32([1.0, 1.0, 0.94]))
        self._mix(colors, "blush", look.blush, skin * np.float32([1.02, 0.80, 0.78]))
        self._mix(colors, "under_eye", 0.35, skin * np.float32([0.80, 0.70, 0.74]))
        self._mix(colors, "freckles", 0.55 * look.freckles, skin * np.float32([0.78, 0.64, 0.52]))
        self._mix(colors, "stubble", 0.75 * look.stubble, beard)
        self._paint_beard(colors, look)
        self._mix(colors, "occlusion", 0.9, skin * np.float32([0.47, 0.36, 0.33]))
        self._mix(colors, "crease", 1.0, skin * np.float32([0.54, 0.42, 0.38]))
        self._mix(colors, "age_lines", look.age_lines, skin * np.float32([0.60, 0.48, 0.44]))
        self._mix(colors, "lips", look.lip_color, lip)
        self._mix(colors, "inner_lips", 0.8, lip * 0.3)
        self._mix(colors, "nostril", 0.9, skin * 0.16)
        self._mix(colors, "wet", 0.7, skin * np.float32([0.9, 0.62, 0.58]))

    def _paint_beard(self, colors: np.ndarray, look: Look) -> None:
        if look.beard == "none" or "stubble" not in self.layers:
            return
        if look.beard not in self._beards:
            self._beards[look.beard] = _layer(beard_mask(self.rig, look.beard))
        rows, grown = self._beards[look.beard]
        below = colors[rows]
        colors[rows] = below + 0.85 * grown[:, None] * (0.75 * np.float32(look.brow) - below)

    def _paint_hair(self, colors: np.ndarray, skin: np.ndarray, look: Look) -> None:
        brow = np.asarray(look.brow, np.float32)
        weight = max(look.brow_weight, 0.05)
        # Heads with hair wear brow hairs over the paint; the others have the paint alone.
        amount = min(0.8, 0.35 + 0.30 * weight) if "hair" in self.layers else min(0.95, 0.6 + 0.30 * weight)
        self._mix(colors, "brows", amount, 0.85 * brow + 0.12 * skin, power=1.25 / weight)
        self._mix(colors, "lashes", 0.92, np.minimum(brow, 0.3) * 0.35)
        if "hair" not in self.layers:
            return
        (rows, grown), (shaded, depth) = self._scalp(look)
        if look.hair_style not in SCALP_COVER:
            colors[shaded] *= 1 - depth[:, None] * HAIR_SHADE
        cover, shade = SCALP_COVER.get(look.hair_style, (1.0, 0.95))
        below = colors[rows]
        hair = np.asarray(look.hair, np.float32) * shade if look.hair_style != "bald" else skin * shade
        if self.strands is not None:
            hair = hair * (1 + 0.3 * self.strands[rows, None])
        colors[rows] = below + cover * grown[:, None] * (hair - below)

    def _scalp(self, look: Look) -> tuple[tuple, tuple]:
        """Where hair covers the skin in a look, and where it shades it."""
        key = (look.receding, STYLES[look.hair_style].kind == "parted")
        if key not in self._scalps:
            grown = scalp_mask(self.rig, look.receding, UNDER_SHEETS if key[1] else AT_ROOTS)
            self._scalps[key] = _layer(grown), _layer(hair_shadow(self.rig, look.receding))
        return self._scalps[key]

    def _paint_eyes(self, colors: np.ndarray, look: Look) -> None:
        iris = np.asarray(look.iris, np.float32)
        colors[self.eyes] = SCLERA
        self._mix(colors, "sclera_shade", 0.8, np.float32([0.42, 0.33, 0.31]))
        if "iris" in self.layers:
            rows = self.layers["iris"][0]
            depth = self.iris_depth[rows, None]
            self._mix(colors, "iris", 1.0, iris * (1.3 - 0.6 * depth * depth))
        self._mix(colors, "iris_rim", 0.8, iris * 0.4)
        self._mix(colors, "pupil", 1.0, PUPIL)
        colors[self.catchlight] = 1.0

    def _paint_teeth(self, colors: np.ndarray) -> None:
        colors[self.teeth] = ENAMEL
        self._mix(colors, "teeth_shade", 0.5, (0.0, 0.0, 0.0))
        self._mix(colors, "gums", 1.0, GUMS)


def paint_rig(rig: Rig, look: Look | None = None) -> np.ndarray:
    """Linear vertex colours ``(V, 3)`` of a masked rig in a look, as glTF's COLOR_0 stores them."""
    return to_linear(Painter(rig)(look or Look()))


def _layer(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(mask > 1 / 512)
    return rows, mask[rows].astype(np.float32)


def _detail(masks: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
    """A brightness mask with mean 0.5 as -1…1."""
    return (2 * masks[name] - 1).astype(np.float32) if name in masks else None
