"""Stated emotions as a rater might give them."""

from __future__ import annotations

import numpy as np

from emo3d_exp.vocab import EMOTION_INDEX, dominant

JITTER = 0.04
WEAK = 0.65
"""Below this intensity a text leaves room for some neutral."""
NEUTRAL_IN_WEAK = 0.4
LEAST_NEUTRAL = 0.04


def rated(stated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(8,) stated intensities → (8,) rated ones in [0, 1], two decimals, with the same dominant emotion."""
    room = NEUTRAL_IN_WEAK * max(0.0, WEAK - stated.max())
    present = stated > 0
    values = np.where(present, (stated + rng.uniform(-JITTER, JITTER, len(stated))).clip(0.05, 1), 0.0)
    neutral = EMOTION_INDEX["neutral"]
    if not present[neutral] and room >= LEAST_NEUTRAL:
        values[neutral] = room * rng.uniform(0.6, 1.4)
    values = values.round(2)
    return values if dominant(values) == dominant(stated) else stated.round(2)
