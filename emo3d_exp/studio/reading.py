"""What the judge of the Emo3D metric reads in faces and in texts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.vocab import EMOTIONS, to_distribution

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from emo3d_exp.backbones import Encoder


class Reader:
    """The mean emotions of the ``k`` descriptions of the prompt bank that are nearest to a face or a text.

    This is the distribution ψ̄ of the Emo3D metric (eqs 5 and 6 of the paper) for a picture that is not part
    of any test; it tells what the judge sees, which need not be what a person sees.

    Args:
        judge: encodes texts and pictures into one space. features: ``(M, D)`` of the bank's texts.
        emotions: ``(M, 8)`` their intensities. k: neighbours.
    """

    def __init__(self, judge: Encoder, features: np.ndarray, emotions: np.ndarray, k: int = 10) -> None:
        self.judge, self.features, self.k = judge, features, k
        self.emotions = to_distribution(emotions)
        self._one_at_a_time = threading.Lock()

    def pictures(self, pictures: list[np.ndarray]) -> np.ndarray:
        """uint8 RGB pictures → ``(N, 8)`` distributions."""
        with self._one_at_a_time:
            return self._read(self.judge.encode_images(pictures))

    def text(self, text: str) -> np.ndarray:
        """A text → ``(8,)`` distribution."""
        with self._one_at_a_time:
            return self._read(self.judge.encode_texts([text]))[0]

    def about(self) -> str:
        """Where the numbers come from, in a sentence."""
        return (
            f"Mean emotions of the {self.k} descriptions, among {len(self.features)} of the training data, "
            f"that {self.judge.name} finds nearest. A machine's reading, not a person's."
        )

    def _read(self, features: np.ndarray) -> np.ndarray:
        from emo3d_exp.metrics import nearest_prompts

        return self.emotions[nearest_prompts(features, self.features, self.k)].mean(axis=1)


def reader_of(cfg: DictConfig) -> Reader | None:
    """The reader by a run's own metric and data; None where the metric has no judge."""
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.scoring import build_evaluator

    evaluator = build_evaluator(cfg)
    if evaluator.judge is None:
        return None
    bank = evaluator.select_bank(load_data(cfg).prompts(evaluator.bank.split))
    features = evaluator.cache.texts(evaluator.judge, bank.text)
    return Reader(evaluator.judge, features, bank.emotions, evaluator.k)


def strongest(distribution: np.ndarray) -> str:
    """Name of the largest emotion."""
    return EMOTIONS[int(np.argmax(distribution))]
