"""Texts, emotions and faces of a data set, as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emo3d_exp.vocab import BLENDSHAPES, EMOTIONS

N_BLENDSHAPES = len(BLENDSHAPES)
N_EMOTIONS = len(EMOTIONS)
MIRRORED = ":mirrored"
BLOCK = 1 << 16
"""Rows of a column that are looked at at a time."""


@dataclass(frozen=True)
class ImageRef:
    """Where an image lies, and a key that changes when its content does.

    ``location`` is a file path, ``archive.zip!inner/name.jpeg``, ``shard.parquet!row`` (column
    ``image`` of that row holds the encoded bytes), or ``shard.parquet!row!place`` (field ``image`` of a
    place, from 0, in the list of that row's column ``images``). ``key`` identifies the content (a hash, or
    name, size and checksum from the archive's directory) without reading the pixels. ``mirrored`` images are
    flipped left-right after reading.
    """

    location: str
    key: str
    mirrored: bool = False

    def flipped(self) -> ImageRef:
        """The same image in a mirror, under a key of its own; flipped twice it is the image again."""
        key = self.key.removesuffix(MIRRORED) if self.mirrored else self.key + MIRRORED
        return ImageRef(self.location, key, not self.mirrored)


@dataclass(frozen=True)
class Corpus:
    """Texts, emotions and faces of a data set, as columns.

    A *sample* has an id, one emotion vector, one or more texts and any number of faces. A face has
    blendshapes, an image, or both.

    Attributes:
        name: of the data set.
        sample_id: (S,) int64, unique, ascending.
        emotions: (S, 8) float32 intensities in [0, 1], in the order of ``EMOTIONS``.
        published_split: (S,) of ``"train"``, ``"val"``, ``"test"`` or ``""`` where none is given.
        text: T texts; ``text_sample``: (T,) int64 row of the sample each belongs to; ``text_number``:
            (T,) int64, 1 for ``text_1`` and so on.
        image: F references or None; ``blendshapes``: (F, 52) float32 in [0, 1], a row of NaN where the
            face has none; ``face_sample``: (F,) int64; ``face_number``: (F,) int64, from 1.
    """

    name: str
    sample_id: np.ndarray
    emotions: np.ndarray
    published_split: np.ndarray
    text: tuple[str, ...]
    text_sample: np.ndarray
    text_number: np.ndarray
    image: tuple[ImageRef | None, ...]
    blendshapes: np.ndarray
    face_sample: np.ndarray
    face_number: np.ndarray

    def __post_init__(self) -> None:
        samples, texts, faces = len(self.sample_id), len(self.text), len(self.image)
        expected = {
            "emotions": (samples, N_EMOTIONS),
            "published_split": (samples,),
            "text_sample": (texts,),
            "text_number": (texts,),
            "blendshapes": (faces, N_BLENDSHAPES),
            "face_sample": (faces,),
            "face_number": (faces,),
        }
        for field, shape in expected.items():
            if getattr(self, field).shape != shape:
                raise ValueError(f"Corpus.{field}: expected {shape}, got {getattr(self, field).shape}")

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def has_blendshapes(self) -> np.ndarray:
        """(F,) bool: the face has scores."""
        return np.isfinite(self.blendshapes).all(axis=1)

    @property
    def has_image(self) -> np.ndarray:
        """(F,) bool: the face has a picture."""
        return np.fromiter((ref is not None for ref in self.image), dtype=bool, count=len(self.image))

    def text_emotions(self) -> np.ndarray:
        """(T, 8) intensities of the sample that each text belongs to."""
        return self.emotions[self.text_sample]

    def loaded(self) -> Corpus:
        """The corpus with all of it in memory: itself, unless a subclass keeps it elsewhere."""
        return self

    def select(self, samples: np.ndarray) -> Corpus:
        """The corpus of some samples, given as a (S,) bool mask or as ascending row numbers."""
        rows = np.flatnonzero(samples) if np.asarray(samples).dtype == bool else np.asarray(samples)
        new_row = np.full(len(self), -1, dtype=np.int64)
        new_row[rows] = np.arange(len(rows))
        texts = np.flatnonzero(new_row[self.text_sample] >= 0)
        faces = np.flatnonzero(new_row[self.face_sample] >= 0)
        return replace(
            self,
            sample_id=self.sample_id[rows],
            emotions=self.emotions[rows],
            published_split=self.published_split[rows],
            text=tuple(self.text[i] for i in texts),
            text_sample=new_row[self.text_sample[texts]],
            text_number=self.text_number[texts],
            image=tuple(self.image[i] for i in faces),
            blendshapes=self.blendshapes[faces],
            face_sample=new_row[self.face_sample[faces]],
            face_number=self.face_number[faces],
        )

    def with_texts(self, rows: np.ndarray, texts: Sequence[str]) -> Corpus:
        """The corpus with N further texts behind its own, each with the sample and number of that of ``rows``
        (N,) from which it was made."""
        return replace(
            self,
            text=(*self.text, *texts),
            text_sample=np.concatenate([self.text_sample, self.text_sample[rows]]),
            text_number=np.concatenate([self.text_number, self.text_number[rows]]),
        )

    def pairs(self) -> np.ndarray:
        """Every (text, face with scores) of the same sample: (P, 2) int64 rows of ``text`` and ``image``."""
        scored = np.flatnonzero(self.has_blendshapes)
        sample = self.face_sample[scored]
        faces = scored[np.argsort(sample, kind="stable")]
        of_sample = np.bincount(sample, minlength=len(self))
        first = np.cumsum(of_sample) - of_sample
        of_text = of_sample[self.text_sample]
        pairs, done = np.empty((int(of_text.sum()), 2), dtype=np.int64), 0
        for start in range(0, len(of_text), BLOCK):  # what a block needs in between is small
            counts = of_text[start : start + BLOCK]
            end = done + int(counts.sum())
            within = np.arange(end - done) - (np.cumsum(counts) - counts).repeat(counts)
            pairs[done:end, 0] = np.arange(start, start + len(counts)).repeat(counts)
            pairs[done:end, 1] = faces[first[self.text_sample[start : start + BLOCK]].repeat(counts) + within]
            done = end
        return pairs

    def fingerprint(self) -> str:
        """16 hex digits that change when a sample, text, emotion, score or split does.

        Scores and emotions count to four decimals, images not at all: where a picture lies, and the last bits
        of a number, differ between machines that hold the same data.
        """
        digest = hashlib.sha256()
        for array in (self.sample_id, self.text_sample, self.face_sample):
            for block in _blocks(array):
                digest.update(np.ascontiguousarray(block).tobytes())
        for array in (self.emotions, self.blendshapes):
            for block in _blocks(array):
                digest.update(np.round(np.nan_to_num(block, nan=-1.0), 4).astype("<f4").tobytes())
        for texts in (self.published_split, self.text):
            for number, block in enumerate(_blocks(texts)):
                digest.update(("\0" if number else "").encode() + "\0".join(block).encode())
        return digest.hexdigest()[:16]


def _blocks(column: Any) -> Iterator[Any]:
    return (column[start : start + BLOCK] for start in range(0, len(column), BLOCK))
