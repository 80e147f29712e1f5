"""Emotions of words by the NRC lexicons, and primitive emotion faces."""

from emo3d_exp.dataset_builder.lexicons.emotions import LexiconEmotions
from emo3d_exp.dataset_builder.lexicons.lexicon import Lexicon, read_lexicon
from emo3d_exp.dataset_builder.lexicons.nearest import nearest_words, write_nearest_words
from emo3d_exp.dataset_builder.lexicons.primitive import PrimitiveEmotions, PrimitiveTexts

__all__ = [
    "Lexicon",
    "LexiconEmotions",
    "PrimitiveEmotions",
    "PrimitiveTexts",
    "nearest_words",
    "read_lexicon",
    "write_nearest_words",
]
