"""From emotions to faces by the facial action coding system."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.action_units import EMOTION_UNITS, ONE_SIDED, UNIT_BLENDSHAPES, VARIANTS
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, EMOTION_INDEX, EMOTIONS

UNITS: tuple[int, ...] = tuple(UNIT_BLENDSHAPES)
MOVED: tuple[str, ...] = tuple(EMOTION_UNITS)
SIDES: tuple[str, ...] = ("Left", "Right")
NEUTRAL_DAMPING = 0.6
INTENSITY_POWER = 0.8


class FACSPrior:
    """Blendshapes that people plausibly show for given emotions.

    Every emotion contracts its action units by its intensity to the power 0.8, so that weak emotions
    can still be seen
    (:mod:`emo3d_exp.faces.action_units` has tables and sources). Units that several emotions share add
    up by noisy-or, ``1 - prod(1 - a)``, and so do blendshapes that several units share: each muscle
    stays in [0, 1] and saturates, whereas a clipped sum of, say, fear .6 and surprise .6 would hit the
    stop and hide both degrees. Intensity of neutral damps all the others.

    A sample differs from the prototype by how expressive the person is, which variant of the emotion
    shows, the strength of each unit, the stronger side, and by idle movements: lids, gaze, small mouth
    movements.

    Args:
        variation: strength of all differences between samples; 0 leaves the prototype but for the
            side of contempt. At 1, about 27 % of the variance over a balanced mix of emotions lies
            between samples of the same emotions.
    """

    def __init__(self, variation: float = 1.0) -> None:
        if variation < 0:
            raise ValueError(f"variation must not be negative, got {variation}")
        self.variation = float(variation)
        self._units = np.array([[EMOTION_UNITS[e].get(u, 0.0) for u in UNITS] for e in MOVED])
        self._spread = _spread_table()

    def prototype(self, emotions: np.ndarray, side: str = "Left") -> np.ndarray:
        """The noiseless face of each emotion vector.

        Args:
            emotions: ``(N, 8)`` intensities in [0, 1].
            side: where contempt shows; everything else is symmetric.

        Returns:
            ``(N, 52)`` float32 in [0, 1], ``_neutral`` 0.
        """
        if side not in SIDES:
            raise ValueError(f"side '{side}' is not one of {SIDES}")
        strengths = self._strengths(emotions)
        units = np.broadcast_to(self._units, (len(strengths), *self._units.shape))
        return self._blend(strengths, units, np.full(len(strengths), SIDES.index(side)), None)

    def sample(self, emotions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One face per emotion vector, each by another person at another moment.

        Args:
            emotions: ``(N, 8)`` intensities in [0, 1].
            rng: the only source of chance.

        Returns:
            ``(N, 52)`` float32 in [0, 1], ``_neutral`` 0.
        """
        strengths = self._strengths(emotions)
        count, v = len(strengths), self.variation
        side = rng.integers(0, 2, count)
        units = self._vary_units(count, rng)
        strengths = strengths * np.exp(rng.normal(0, 0.25 * v, (count, 1)))
        gain = np.exp(rng.normal(0, 0.38 * v, (count, len(UNITS), 1)))
        lean = rng.normal(0, 0.06 * v, (count, len(UNITS), 1))
        faces = self._blend(strengths, units, side, gain * np.concatenate([1 + lean, 1 - lean], axis=2))
        return _clean(_add_idle(faces.astype(np.float64), rng, v))

    def _strengths(self, emotions: np.ndarray) -> np.ndarray:
        values = np.asarray(emotions, np.float64)
        if values.ndim != 2 or values.shape[1] != len(EMOTIONS):
            raise ValueError(f"expected (N, {len(EMOTIONS)}) emotion intensities, got {values.shape}")
        if not np.isfinite(values).all() or values.min(initial=0) < 0 or values.max(initial=0) > 1:
            raise ValueError("emotion intensities must lie in [0, 1]")
        damped = 1 - NEUTRAL_DAMPING * values[:, [EMOTION_INDEX["neutral"]]]
        return values[:, [EMOTION_INDEX[e] for e in MOVED]] ** INTENSITY_POWER * damped

    def _vary_units(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``(N, emotions, units)`` contractions of the drawn variants."""
        units = np.repeat(self._units[None], count, axis=0)
        for row, emotion in enumerate(MOVED):
            chances, changes = zip(*VARIANTS[emotion], strict=True)
            drawn = rng.choice(len(changes), size=count, p=chances)
            for number, change in enumerate(changes):
                for unit, value in change.items():
                    column = UNITS.index(unit)
                    own = self._units[row, column]
                    wanted = own * value if own else value
                    units[drawn == number, row, column] = own + min(self.variation, 1.0) * (wanted - own)
        return units

    def _blend(
        self, strengths: np.ndarray, units: np.ndarray, side: np.ndarray, gain: np.ndarray | None
    ) -> np.ndarray:
        """Noisy-or over emotions, then over units; contraction is ``(N, units, 2 sides)`` between."""
        parts = strengths[:, :, None, None] * units[..., None]
        both = np.ones((len(side), len(MOVED), 1, 2))
        for emotion in ONE_SIDED:
            both[np.arange(len(side)), MOVED.index(emotion), 0, 1 - side] = 0.0
        parts = parts * both if gain is None else parts * both * gain[:, None]
        contraction = 1 - np.prod(1 - np.clip(parts, 0, 1), axis=1)
        moved = np.prod(1 - contraction[..., None] * self._spread, axis=1)
        # A shape without sides is moved by both halves of the muscle alike.
        return _clean(1 - _merge_sides(moved))


def _spread_table() -> np.ndarray:
    """``(units, 2 sides, 52)`` weights of blendshapes in units."""
    table = np.zeros((len(UNITS), 2, len(BLENDSHAPES)))
    for row, unit in enumerate(UNITS):
        for stem, weight in UNIT_BLENDSHAPES[unit].items():
            for number, side in enumerate(SIDES):
                table[row, number, BLENDSHAPE_INDEX.get(stem, BLENDSHAPE_INDEX.get(stem + side))] = weight
    return table


def _merge_sides(kept: np.ndarray) -> np.ndarray:
    """``(N, 2, 52)`` → ``(N, 52)``: the own side of sided shapes, the mean of both for the others."""
    merged = kept.mean(axis=1)
    for number, side in enumerate(SIDES):
        own = [i for name, i in BLENDSHAPE_INDEX.items() if name.endswith(side)]
        merged[:, own] = kept[:, number, own]
    return merged


def _add_idle(faces: np.ndarray, rng: np.random.Generator, v: float) -> np.ndarray:
    """Lids, gaze and small movements that no emotion explains."""
    count = len(faces)

    def column(name: str) -> np.ndarray:
        return faces[:, BLENDSHAPE_INDEX[name]]

    blinking = rng.random(count) < 0.03 * v
    lids = np.clip(v * np.where(blinking, rng.uniform(0.4, 1.0, count), rng.beta(1.3, 16, count)), 0, 1)
    gaze, height = rng.normal(0, 0.15 * v, (2, count)) * np.array([[1.0], [0.8]])
    small = np.clip(rng.normal(0, 0.04 * v, faces.shape), 0, None)
    idle = np.zeros_like(faces)
    idle[:, 1:] = small[:, 1:] * (np.array(BLENDSHAPES[1:]) != "mouthClose")
    for name in SIDES:
        out, into = ("Out", "In") if name == "Left" else ("In", "Out")
        idle[:, BLENDSHAPE_INDEX["eyeBlink" + name]] = lids * (1 - column("eyeWide" + name))
        idle[:, BLENDSHAPE_INDEX[f"eyeLook{out}{name}"]] = np.clip(gaze, 0, 1)
        idle[:, BLENDSHAPE_INDEX[f"eyeLook{into}{name}"]] = np.clip(-gaze, 0, 1)
        idle[:, BLENDSHAPE_INDEX["eyeLookUp" + name]] = np.clip(height, 0, 1) * (
            column("eyeLookDown" + name) < 0.05
        )
        idle[:, BLENDSHAPE_INDEX["eyeLookDown" + name]] = np.clip(-height, 0, 1)
    return 1 - (1 - faces) * (1 - idle)


def _clean(faces: np.ndarray) -> np.ndarray:
    faces = np.clip(faces, 0, 1).astype(np.float32)
    faces[:, BLENDSHAPE_INDEX["_neutral"]] = 0
    return faces
