"""Figures of a data set: tables 1, 3 and 4, and what figures 8, 9 and 10 show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emo3d_exp.dataset_builder.report.wording import is_stop_word, letters, sentences, words
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS, dominant


@dataclass(frozen=True)
class Overview:
    """The data set's row of table 1.

    Attributes:
        samples: ids, each with one emotion vector. texts: of all samples. distinct_texts: different ones.
        images: faces with a picture. distinct_images: different ones, by content key. blendshapes: faces with
            52 scores. triples: every text with every scored and pictured face of its sample. pairs: every
            text
            with every scored face, pictured or not. emotions: 8. split: samples of each part.
    """

    samples: int
    texts: int
    distinct_texts: int
    images: int
    distinct_images: int
    blendshapes: int
    triples: int
    pairs: int
    emotions: int
    split: dict[str, int]


@dataclass(frozen=True)
class Wording:
    """A row of table 3: the texts of samples with one dominant emotion.

    Attributes:
        emotion: its name, or "all". texts, sentences, words: counts. unique_words: distinct ones in lower
            case.
        word_length: mean letters of a word, every occurrence counted. content_word_length: the same without
            stop words. sentence_length: words a sentence. Means of nothing are None.
    """

    emotion: str
    texts: int
    sentences: int
    words: int
    unique_words: int
    word_length: float | None
    content_word_length: float | None
    sentence_length: float | None


def overview(corpus: Corpus) -> Overview:
    """Count what a corpus holds."""
    scored = corpus.has_blendshapes
    pictured = np.array([image is not None for image in corpus.image], dtype=bool)
    texts_of = np.bincount(corpus.text_sample, minlength=len(corpus))
    parts = Counter(part or "none" for part in corpus.published_split.tolist())
    return Overview(
        samples=len(corpus),
        texts=len(corpus.text),
        distinct_texts=len(set(corpus.text)),
        images=int(pictured.sum()),
        distinct_images=len({image.key for image in corpus.image if image is not None}),
        blendshapes=int(scored.sum()),
        triples=int(texts_of[corpus.face_sample[scored & pictured]].sum()),
        pairs=int(texts_of[corpus.face_sample[scored]].sum()),
        emotions=len(EMOTIONS),
        split=dict(sorted(parts.items())),
    )


def text_emotions(corpus: Corpus) -> np.ndarray:
    """(T,) int64: the dominant emotion of each text's sample; the first of equal ones."""
    return dominant(corpus.emotions)[corpus.text_sample]


def wording(name: str, texts: Sequence[str]) -> Wording:
    """Table 3's figures of some texts."""
    found = [word for text in texts for word in words(text)]
    count = sum(sentences(text) for text in texts)
    return Wording(
        emotion=name,
        texts=len(texts),
        sentences=count,
        words=len(found),
        unique_words=len(set(found)),
        word_length=_mean([letters(word) for word in found]),
        content_word_length=_mean([letters(word) for word in found if not is_stop_word(word)]),
        sentence_length=len(found) / count if count else None,
    )


def wording_by_emotion(corpus: Corpus) -> list[Wording]:
    """Table 3: a row for each dominant emotion, and one for all texts."""
    labels = text_emotions(corpus)
    rows = [
        wording(name, [corpus.text[row] for row in np.flatnonzero(labels == label)])
        for label, name in enumerate(EMOTIONS)
    ]
    return [*rows, wording("all", corpus.text)]


def frequent_words(corpus: Corpus, top: int) -> dict[str, list[tuple[str, int]]]:
    """Table 4: the most frequent words that are no stop words, of each dominant emotion and of "all".

    Equally frequent words stand in alphabetical order.
    """
    counts = {name: Counter[str]() for name in EMOTIONS}
    for text, label in zip(corpus.text, text_emotions(corpus).tolist(), strict=True):
        counts[EMOTIONS[label]].update(word for word in words(text) if not is_stop_word(word))
    counts["all"] = sum(counts.values(), Counter[str]())
    return {name: most_frequent(counted, top) for name, counted in counts.items()}


def most_frequent(counts: Counter[str], top: int) -> list[tuple[str, int]]:
    """The first ``top`` by count, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def words_per_text(corpus: Corpus) -> np.ndarray:
    """Figure 8: (T,) int64 words of each text."""
    return np.array([len(words(text)) for text in corpus.text], dtype=np.int64)


def texts_per_emotion(corpus: Corpus) -> np.ndarray:
    """Figure 9: (8,) int64 texts of each dominant emotion."""
    return np.bincount(text_emotions(corpus), minlength=len(EMOTIONS))


def emotion_means(corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Figure 10: mean and standard deviation (of the population) of intensities over samples.

    Returns:
        (8, 8) float64 each, row: dominant emotion, column: emotion; rows without a sample are NaN.
    """
    labels, values = dominant(corpus.emotions), corpus.emotions.astype(np.float64)
    mean, deviation = np.full((2, len(EMOTIONS), len(EMOTIONS)), np.nan)
    for label in np.unique(labels):
        chosen = values[labels == label]
        mean[label], deviation[label] = chosen.mean(axis=0), chosen.std(axis=0)
    return mean, deviation


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
