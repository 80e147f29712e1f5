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
from emo3d_exp.vocab.live_link import (
    LIVE_LINK_COLUMNS,
    LIVE_LINK_COUNT,
    LIVE_LINK_TICKS,
    LIVE_LINK_TIMECODE,
)

__all__ = [
    "ARKIT_NAMES",
    "BLENDSHAPES",
    "BLENDSHAPE_INDEX",
    "EMOTIONS",
    "EMOTION_INDEX",
    "LIVE_LINK_COLUMNS",
    "LIVE_LINK_COUNT",
    "LIVE_LINK_NAMES",
    "LIVE_LINK_TICKS",
    "LIVE_LINK_TIMECODE",
    "MEDIAPIPE_NAMES",
    "MIRROR_PERMUTATION",
    "MORPH_TARGETS",
    "REGIONS",
    "VOCABULARY_HASH",
    "dominant",
    "to_distribution",
]
