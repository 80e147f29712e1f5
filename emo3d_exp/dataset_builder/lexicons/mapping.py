"""From the NRC lexicons' ten categories to the eight emotions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

NRC_CATEGORIES = (
    "anger", "anticipation", "disgust", "fear", "joy", "negative", "positive", "sadness", "surprise", "trust",
)  # fmt: skip
NRC_TO_EMOTION: dict[str, str | None] = {
    "joy": "happiness",
    "surprise": "surprise",
    "sadness": "sadness",
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "anticipation": None,
    "trust": None,
    "positive": None,
    "negative": None,
}
"""Each category's emotion; None: it has none, and is not used. Neutral and contempt have no category:

- neutral is 1 for a word that the lexicon lists with none of the ten categories, and 0 for all others. A word
  that has only categories without an emotion (trust, say) is unknown: it is neither neutral nor one of ours.
- contempt follows from anger and disgust together, by the rule that :data:`CONTEMPT_RULES` names.
"""
CONTEMPT_RULES = ("dyad", "none")
"""``dyad``: the smaller of anger and disgust, since Plutchik, whose eight emotions the NRC lexicons use, has
contempt as the dyad of these two; the minimum is the degree to which both are there. ``none``: always 0."""


def check_contempt(rule: str) -> None:
    """Raise ConfigError for a rule that there is not."""
    if rule not in CONTEMPT_RULES:
        raise ConfigError(
            f"words.contempt={rule!r} (of a build: builder.emotions.contempt): choose one of "
            f"{', '.join(CONTEMPT_RULES)}"
        )


def emotion_vector(scores: Mapping[str, float], contempt: str = "dyad") -> np.ndarray | None:
    """(8,) float64 intensities in [0, 1] of a word with these scores in [0, 1] by category.

    None where the word has categories, but none that has an emotion.
    """
    vector = np.zeros(len(EMOTIONS))
    for category, score in scores.items():
        emotion = NRC_TO_EMOTION[category]
        if emotion is not None:
            vector[EMOTION_INDEX[emotion]] = score
    if contempt == "dyad":
        vector[EMOTION_INDEX["contempt"]] = min(vector[EMOTION_INDEX[each]] for each in ("anger", "disgust"))
    if vector.any():
        return vector
    if any(scores.values()):
        return None
    vector[EMOTION_INDEX["neutral"]] = 1.0
    return vector
