"""Every sample seen in a mirror as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emo3d_exp.augmentation.texts import swapped_sides
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import MIRROR_PERMUTATION


def mirrored(corpus: Corpus) -> Corpus:
    """The corpus in a mirror: pictures flipped, left and right swapped in blendshapes and texts.

    Emotions, ids and a text without a side stay as they are. Mirroring twice gives the corpus back.
    """
    return replace(
        corpus,
        text=tuple(swapped_sides(text) for text in corpus.text),
        image=tuple(None if ref is None else ref.flipped() for ref in corpus.image),
        blendshapes=corpus.blendshapes[:, MIRROR_PERMUTATION],
    )


def with_mirror_images(corpus: Corpus) -> Corpus:
    """The corpus, followed by its mirror image as samples of their own.

    A mirrored sample's id is the original's plus the highest id plus 1.
    """
    if not len(corpus):
        return corpus
    other = mirrored(corpus)
    doubled = {
        name: np.concatenate([getattr(corpus, name), getattr(other, name)])
        for name in ("emotions", "published_split", "text_number", "blendshapes", "face_number")
    }
    return replace(
        corpus,
        sample_id=np.concatenate([corpus.sample_id, corpus.sample_id + corpus.sample_id.max() + 1]),
        text=corpus.text + other.text,
        text_sample=np.concatenate([corpus.text_sample, corpus.text_sample + len(corpus)]),
        image=corpus.image + other.image,
        face_sample=np.concatenate([corpus.face_sample, corpus.face_sample + len(corpus)]),
        **doubled,
    )
