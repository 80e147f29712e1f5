"""The choice ``augmentation=…``: what is done to the training part, and to it alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.augmentation.mirror import with_mirror_images
from emo3d_exp.augmentation.noise import Batches, NoisyBatches
from emo3d_exp.augmentation.texts import Beginnings, beginning, without_some_words
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import Exchange

if TYPE_CHECKING:
    from emo3d_exp.records import Corpus


class Augmentation:
    """Three steps: :meth:`corpus` adds texts and samples, :meth:`exchange` lets some texts be read to their
    beginning, :meth:`batches` puts noise on embeddings.

    Args:
        mirror: every sample is also seen in a mirror.
        beginnings: probability that a text of several sentences is read without its last one, in [0, 1];
            drawn anew each epoch.
        word_dropout: probability that a word is left out of a text's variants, in [0, 1).
        copies: variants of each text where ``word_dropout`` is above 0; each is embedded once.
        text_noise, image_noise: standard deviation of Gaussian noise on the embeddings, as a fraction of
            their root mean square; drawn anew each epoch.

    Raises:
        ConfigError: a value out of its range.
    """

    def __init__(
        self,
        mirror: bool = False,
        beginnings: float = 0.0,
        word_dropout: float = 0.0,
        copies: int = 2,
        text_noise: float = 0.0,
        image_noise: float = 0.0,
    ) -> None:
        for name, value, fine, wanted in (
            ("beginnings", beginnings, 0 <= beginnings <= 1, "lie in [0, 1]"),
            ("word_dropout", word_dropout, 0 <= word_dropout < 1, "lie in [0, 1)"),
            ("copies", copies, copies >= 1, "be at least 1"),
            ("text_noise", text_noise, 0 <= text_noise < math.inf, "not be negative"),
            ("image_noise", image_noise, 0 <= image_noise < math.inf, "not be negative"),
        ):
            if not fine:
                raise ConfigError(f"augmentation.{name}={value} must {wanted}")
        self.mirror = mirror
        self.beginnings = beginnings
        self.word_dropout = word_dropout
        self.copies = copies
        self.text_noise = text_noise
        self.image_noise = image_noise

    @property
    def adds_noise(self) -> bool:
        """:meth:`batches` does something."""
        return bool(self.text_noise or self.image_noise)

    @property
    def adds_samples(self) -> bool:
        """:meth:`corpus` does something, for which it has all texts in memory."""
        return bool(self.mirror or self.word_dropout)

    @property
    def does_something(self) -> bool:
        """Any of the steps does."""
        return self.adds_samples or bool(self.beginnings) or self.adds_noise

    def corpus(self, corpus: Corpus, seed: int) -> Corpus:
        """The training part with what is added to it: first variants with words left out, then the mirror
        images of all. Its own rows stand first, as they were.

        Args:
            corpus: the training part alone.
            seed: of what is chosen; the same seed gives the same texts.
        """
        rng = np.random.default_rng([seed, len(corpus)])
        if self.word_dropout:
            rows = [row for row in range(len(corpus.text)) for _ in range(self.copies)]
            fewer = [(row, without_some_words(corpus.text[row], self.word_dropout, rng)) for row in rows]
            corpus = corpus.with_texts(np.array(rows), [text for _, text in fewer])
        return with_mirror_images(corpus) if self.mirror else corpus

    def exchange(self, corpus: Corpus) -> tuple[Corpus, Exchange | None]:
        """The corpus with the beginnings of its texts behind them, and how often they are read instead."""
        if not self.beginnings:
            return corpus, None
        begun = np.fromiter((beginning(text) is not None for text in corpus.text), bool, len(corpus.text))
        rows = np.flatnonzero(begun)
        other = np.full(len(corpus.text), -1, dtype=np.int64)
        other[rows] = len(corpus.text) + np.arange(len(rows))
        return corpus.with_texts(rows, Beginnings(corpus.text, rows)), Exchange(other, self.beginnings)

    def batches(self, batches: Batches, seed: int) -> Batches:
        """The training part's batches with noise, or as they are where none is asked for."""
        if not self.adds_noise:
            return batches
        return NoisyBatches(batches, {"text": self.text_noise, "image": self.image_noise}, seed)
