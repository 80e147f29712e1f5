"""The choice ``augmentation=…``: what is done to the training part, and to it alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.augmentation.mirror import with_mirror_images
from emo3d_exp.augmentation.noise import Batches, NoisyBatches
from emo3d_exp.augmentation.texts import beginning, without_some_words
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from emo3d_exp.records import Corpus


class Augmentation:
    """Two steps: :meth:`corpus` adds texts and samples, :meth:`batches` puts noise on their embeddings.

    Args:
        mirror: every sample is also seen in a mirror.
        beginnings: share of the texts with several sentences whose beginning, without the last sentence, is
            trained on too, in [0, 1].
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
    def adds_samples(self) -> bool:
        """:meth:`corpus` does something."""
        return bool(self.mirror or self.beginnings or self.word_dropout)

    @property
    def adds_noise(self) -> bool:
        """:meth:`batches` does something."""
        return bool(self.text_noise or self.image_noise)

    def corpus(self, corpus: Corpus, seed: int) -> Corpus:
        """The training part with what is added to it: first beginnings, then variants with words left out,
        of them too, then the mirror images of all. Its own rows stand first, as they were.

        Args:
            corpus: the training part alone.
            seed: of what is chosen; the same seed gives the same texts.
        """
        rng = np.random.default_rng([seed, len(corpus)])
        if self.beginnings:
            corpus = _with_texts(corpus, self._begun(corpus, rng))
        if self.word_dropout:
            rows = [row for row in range(len(corpus.text)) for _ in range(self.copies)]
            fewer = [(row, without_some_words(corpus.text[row], self.word_dropout, rng)) for row in rows]
            corpus = _with_texts(corpus, fewer)
        return with_mirror_images(corpus) if self.mirror else corpus

    def batches(self, batches: Batches, seed: int) -> Batches:
        """The training part's batches with noise, or as they are where none is asked for."""
        if not self.adds_noise:
            return batches
        return NoisyBatches(batches, {"text": self.text_noise, "image": self.image_noise}, seed)

    def _begun(self, corpus: Corpus, rng: np.random.Generator) -> list[tuple[int, str]]:
        begun = [(row, start) for row, text in enumerate(corpus.text) if (start := beginning(text))]
        chosen = rng.random(len(begun)) < self.beginnings
        return [each for each, taken in zip(begun, chosen, strict=True) if taken]


def _with_texts(corpus: Corpus, added: list[tuple[int, str]]) -> Corpus:
    """The corpus with further texts, each with the sample and number of the row that it was made from."""
    rows = np.array([row for row, _ in added], dtype=np.int64)
    return replace(
        corpus,
        text=corpus.text + tuple(text for _, text in added),
        text_sample=np.concatenate([corpus.text_sample, corpus.text_sample[rows]]),
        text_number=np.concatenate([corpus.text_number, corpus.text_number[rows]]),
    )
