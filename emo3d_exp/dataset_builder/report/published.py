"""Figures that the paper gives of its own data set, to stand beside another's.

Source: Emo3D, Findings of NAACL 2025 (arXiv 2410.02049), its counts and its table 3.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Emo3D, Findings of NAACL 2025 (arXiv 2410.02049), table 3"
TEXTS, IMAGES, TRIPLES = 60_000, 90_000, 150_000
"""As published. How its triples are counted is not said; 150,000 is also the sum of the other two."""


@dataclass(frozen=True)
class PublishedWording:
    """One emotion's row: words, unique words, letters a word, words a sentence."""

    words: int
    unique_words: int
    word_length: float
    sentence_length: float


TABLE_3: dict[str, PublishedWording] = {
    "neutral": PublishedWording(14805, 1684, 7.28, 13.56),
    "happiness": PublishedWording(31405, 1519, 6.69, 12.38),
    "surprise": PublishedWording(33690, 1559, 6.58, 12.15),
    "sadness": PublishedWording(32878, 2220, 6.82, 12.63),
    "anger": PublishedWording(16097, 1288, 6.42, 11.84),
    "disgust": PublishedWording(19917, 1306, 6.77, 12.53),
    "fear": PublishedWording(15120, 1245, 6.16, 11.32),
    "contempt": PublishedWording(7535, 958, 6.98, 12.96),
}
