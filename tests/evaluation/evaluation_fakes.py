"""A judge, a renderer and a cache that follow the interfaces of the real ones and cost nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from emo3d_exp.faces import Look
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import EMOTIONS

SIDE = 64
PROTOTYPES = np.random.default_rng(123).random((len(EMOTIONS), 52)).astype(np.float32) * 0.8
PROTOTYPES[:, 0] = 0


@dataclass
class FakeRig:
    name: str = "fake"
    fingerprint: str = "rig0"


@dataclass
class FakeRenderer:
    """Paints the 52 numbers as grey squares, brighter where the head is turned, and counts the faces that it
    drew."""

    fingerprint: str = "renderer0"
    drawn: list[bytes] = field(default_factory=list)

    def render(self, blendshapes: np.ndarray, look: Look | None = None) -> np.ndarray:
        faces = np.atleast_2d(np.asarray(blendshapes, dtype=np.float32))
        brighter = abs(look.yaw) / 100 if look else 0.0
        self.drawn += [face.tobytes() + np.float32(brighter).tobytes() * bool(brighter) for face in faces]
        cells = np.zeros((len(faces), 64), dtype=np.uint8)
        cells[:, :52] = ((faces + brighter).clip(0, 1) * 255).round()
        picture = cells.reshape(-1, 8, 8).repeat(SIDE // 8, axis=1).repeat(SIDE // 8, axis=2)
        return np.repeat(picture[..., None], 3, axis=-1)


class FakeJudge:
    """Image features: the painted numbers, centred. Text features: those of the emotions' mean face,
    read from a text such as ``anger=0.8 fear=0.1 some words``."""

    name, dim, fingerprint = "fake_judge", 52, "fake_judge-0"
    modalities = frozenset({"text", "image"})

    def check(self) -> None:
        return None

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([face_of(emotions_of(text)) for text in texts]) - 0.2

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        step = SIDE // 8
        return np.stack([image[::step, ::step, 0].ravel()[:52] / np.float32(255) - 0.2 for image in images])


class FakeCache:
    """Keeps embeddings in memory under the encoder's fingerprint."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], np.ndarray] = {}

    def texts(self, encoder: FakeJudge, texts: Sequence[str]) -> np.ndarray:
        return encoder.encode_texts(texts)

    def images(
        self,
        encoder: FakeJudge,
        keys: Sequence[str],
        read: Callable[[int], np.ndarray],
        shared: bool = True,
    ) -> np.ndarray:
        for row, key in enumerate(keys):
            if (encoder.fingerprint, key) not in self.kept:
                self.kept[encoder.fingerprint, key] = encoder.encode_images([read(row)])[0]
        return np.stack([self.kept[encoder.fingerprint, key] for key in keys])


def emotions_of(text: str) -> np.ndarray:
    parts = dict(part.split("=") for part in text.split() if "=" in part)
    return np.array([float(parts.get(name, 0)) for name in EMOTIONS], dtype=np.float32)


def face_of(emotions: np.ndarray) -> np.ndarray:
    return (emotions / emotions.sum() @ PROTOTYPES).astype(np.float32)


def make_prompts(samples: int, texts_each: int = 1, first_id: int = 0, seed: int = 0) -> Prompts:
    """Prompts with two emotions each, dominant ones in turn, and the faces that belong to them."""
    rng = np.random.default_rng(seed)
    ids, numbers, texts, emotions = [], [], [], []
    for sample in range(samples):
        other = int(rng.integers(1, 8))
        names = EMOTIONS[sample % 8], EMOTIONS[(sample + other) % 8]
        for number in range(1, texts_each + 1):
            words = hashlib.sha256(f"{seed} {sample} {number}".encode()).hexdigest()[:6]
            texts.append(f"{names[0]}=0.8 {names[1]}={rng.integers(1, 5) / 10} <b>{words}</b> & more")
            ids.append(first_id + 3 * sample)
            numbers.append(number)
            emotions.append(emotions_of(texts[-1]))
    vectors = np.stack(emotions)
    faces = np.stack([face_of(vector) for vector in vectors])
    return Prompts(np.array(ids), np.array(numbers), tuple(texts), vectors, faces)


def take(prompts: Prompts, rows: np.ndarray) -> Prompts:
    """Some rows of the prompts."""
    text = tuple(prompts.text[row] for row in rows)
    columns = (prompts.sample_id, prompts.text_number, prompts.emotions, prompts.blendshapes)
    ids, numbers, emotions, faces = (column[rows] for column in columns)
    return Prompts(ids, numbers, text, emotions, faces)
