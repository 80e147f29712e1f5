"""Figure 2: the words nearest to an emotion by the cosine of their distributions, as word clouds."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emo3d_exp.dataset_builder.lexicons.lexicon import Lexicon
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

SIZE = (900, 560)
FONT_SIZES = (64, 48, 36, 28, 22, 18, 14)


def nearest_words(lexicon: Lexicon, emotion: str, top: int, seed: int = 0) -> list[tuple[str, float]]:
    """The ``top`` words by cosine between their vector and that of the pure emotion, with the cosines in
    (0, 1]; equal ones in an order drawn by the seed, since a lexicon of 0 and 1 has many. Words at a right
    angle are no neighbours.

    Raises:
        ConfigError: no such emotion, or ``top`` below 1.
    """
    if emotion not in EMOTION_INDEX or top < 1:
        raise ConfigError(
            f"emotion={emotion}, words.top={top}: an emotion of {', '.join(EMOTIONS)}, top from 1"
        )
    names = np.random.default_rng(seed).permutation(sorted(lexicon.vectors)).tolist()
    vectors = np.array([lexicon.vectors[name] for name in names]).reshape(-1, len(EMOTIONS))
    cosines = vectors[:, EMOTION_INDEX[emotion]] / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    order = np.argsort(-np.round(cosines, 9), kind="stable")[:top]
    return [(names[place], float(cosines[place])) for place in order if cosines[place] > 0]


def write_nearest_words(lexicon: Lexicon, folder: Path | str, top: int = 60, seed: int = 0) -> list[Path]:
    """Write ``words_<emotion>.png`` (a cloud, words as large as their cosine) and ``words.csv`` (emotion,
    rank, word, cosine) for every emotion that has words.

    The files hold words of the lexicon: its terms of use decide who may see them.

    Raises:
        ConfigError: the package ``wordcloud`` is not installed.
    """
    folder = Path(folder)
    found = {emotion: nearest_words(lexicon, emotion, top, seed) for emotion in EMOTIONS}
    written = [folder / "words.csv"]
    with write_atomically(written[0]) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["emotion", "rank", "word", "cosine"])
        for emotion, words in found.items():
            rows.writerows([emotion, place, word, f"{cos:.6f}"] for place, (word, cos) in enumerate(words, 1))
    for emotion, words in found.items():
        if words:
            written.append(folder / f"words_{emotion}.png")
            with write_atomically(written[-1]) as partial:
                _draw(words, partial, seed)
    return written


def _draw(words: Sequence[tuple[str, float]], path: Path, seed: int) -> None:
    try:
        from wordcloud import WordCloud
    except ImportError:
        raise ConfigError("word clouds need the package wordcloud: pip install wordcloud") from None
    for size in FONT_SIZES:
        cloud = WordCloud(
            width=SIZE[0],
            height=SIZE[1],
            background_color="white",
            colormap="viridis",
            relative_scaling=1.0,
            prefer_horizontal=1.0,
            max_font_size=size,
            max_words=len(words),
            random_state=seed,
        ).generate_from_frequencies(dict(words))
        # Where room is short, late words shrink: then all must be smaller for size to mean the cosine.
        sizes = [placed[1] / placed[0][1] for placed in cloud.layout_]
        if len(sizes) == len(words) and min(sizes) > 0.8 * max(sizes):
            break
    cloud.to_file(str(path))
