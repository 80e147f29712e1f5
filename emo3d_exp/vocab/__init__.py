"""Names and orders that everything else agrees on."""

from emo3d_exp.vocab.blendshapes import (
    ARKIT_NAMES,
    BLENDSHAPE_INDEX,
    BLENDSHAPES,
    LIVE_LINK_NAMES,
    MEDIAPIPE_NAMES,
    MIRROR_PERMUTATION,
    MORPH_TARGETS,
    REGIONS,
    VOCABULARY_HASH,
)
from emo3d_exp.vocab.emotions import EMOTION_INDEX, EMOTIONS, dominant, to_distribution

__all__ = [
    "ARKIT_NAMES",
    "BLENDSHAPES",
    "BLENDSHAPE_INDEX",
    "EMOTIONS",
    "EMOTION_INDEX",
    "LIVE_LINK_NAMES",
    "MEDIAPIPE_NAMES",
    "MIRROR_PERMUTATION",
    "MORPH_TARGETS",
    "REGIONS",
    "VOCABULARY_HASH",
    "dominant",
    "to_distribution",
]
