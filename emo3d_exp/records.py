"""Typed records that travel between packages: the one place where keys, shapes and dtypes stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from emo3d_exp.vocab import BLENDSHAPES, EMOTIONS

N_BLENDSHAPES = len(BLENDSHAPES)
N_EMOTIONS = len(EMOTIONS)
MIRRORED = ":mirrored"


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

    def pairs(self) -> np.ndarray:
        """Every (text, face with scores) of the same sample: (P, 2) int64 rows of ``text`` and ``image``."""
        faces_of: dict[int, list[int]] = {}
        for face in np.flatnonzero(self.has_blendshapes):
            faces_of.setdefault(int(self.face_sample[face]), []).append(int(face))
        rows = [
            (text, face)
            for text, sample in enumerate(self.text_sample.tolist())
            for face in faces_of.get(sample, ())
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 2)

    def fingerprint(self) -> str:
        """16 hex digits that change when a sample, text, emotion, score or split does.

        Scores and emotions count to four decimals, images not at all: where a picture lies, and the last bits
        of a number, differ between machines that hold the same data.
        """
        digest = hashlib.sha256()
        for array in (self.sample_id, self.text_sample, self.face_sample):
            digest.update(np.ascontiguousarray(array).tobytes())
        for array in (self.emotions, self.blendshapes):
            digest.update(np.round(np.nan_to_num(array, nan=-1.0), 4).astype("<f4").tobytes())
        digest.update("\0".join(self.published_split.tolist()).encode())
        digest.update("\0".join(self.text).encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Exchange:
    """Texts that are read in another form now and then.

    Attributes:
        other: (T,) int64, the row of each text's other form; -1 where it has none. Rows from T on are other
            forms themselves.
        share: probability that the other form is read, drawn anew for each pair and epoch.
    """

    other: np.ndarray
    share: float


@dataclass(frozen=True)
class Prompts:
    """The texts that a system is asked to show, with what is known about them: one row a distinct text
    of a sample.

    Attributes:
        sample_id: (N,) int64. text_number: (N,) int64, from 1. text: N strings.
        emotions: (N, 8) float32 intensities.
        blendshapes: (N, 52) float32, the face to compare with (the sample's first with scores).
        faces: (N, R, 52) float32, all true faces of the sample, rows of NaN where it has fewer than R; None
            where no sample has more than one.
    """

    sample_id: np.ndarray
    text_number: np.ndarray
    text: tuple[str, ...]
    emotions: np.ndarray
    blendshapes: np.ndarray
    faces: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class Predictions:
    """What a system answered: one blendshape vector a prompt.

    Attributes:
        sample_id: (N,) int64. text_number: (N,) int64, from 1 (1 where a sample has one text).
        blendshapes: (N, 52) float32 in [0, 1].
    """

    sample_id: np.ndarray
    text_number: np.ndarray
    blendshapes: np.ndarray

    def __len__(self) -> int:
        return len(self.sample_id)


class TokenBatch(TypedDict):
    """A training batch for a language model that is trained along; every value is a torch tensor.

    ``tokens``: ``input_ids`` and ``attention_mask`` (1 token, 0 padding), (B, L) int64 each; ``blendshapes``:
    (B, 52) float32 in [0, 1]; ``emotions``: (B, 8) float32 intensities.
    """

    tokens: dict[str, object]
    blendshapes: object
    emotions: object


class EmbeddingBatch(TypedDict, total=False):
    """A training batch over frozen, cached embeddings; every value is a torch tensor.

    ``text``: (B, D) float32; ``image``: (B, D) float32, absent when the backbone sees text only;
    ``has_image``: (B,) bool, only where some faces have no image; ``blendshapes``: (B, 52) float32 in [0, 1];
    ``emotions``: (B, 8) float32 intensities.
    """

    text: object
    image: object
    has_image: object
    blendshapes: object
    emotions: object
