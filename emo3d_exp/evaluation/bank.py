"""The prompt bank of the Emo3D metric: "n prompts with balanced emotions" (paper, section 5)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import numpy as np

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import EMOTIONS, dominant

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BankSettings:
    """Which prompts make the bank.

    Attributes:
        split: part of the split that they are drawn from. With ``train`` a prompt that is scored on the
            test split is never in the bank itself, so no face is rewarded for leading back to the very
            sentence it was made from.
        size: prompts in the bank. seed: of the draw; leave it alone to compare runs.

    Raises:
        ConfigError: the seed is negative.
    """

    split: str = "train"
    size: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"metric.bank.seed={self.seed} must not be negative")


@dataclass(frozen=True)
class PromptBank:
    """The prompts among which a face's nearest ones are looked up.

    Attributes:
        sample_id: (M,) int64, ascending. text_number: (M,) int64. text: M distinct strings.
        emotions: (M, 8) float32 intensities.
    """

    sample_id: np.ndarray
    text_number: np.ndarray
    text: tuple[str, ...]
    emotions: np.ndarray

    def __len__(self) -> int:
        return len(self.text)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when a text, an emotion or the order does."""
        digest = hashlib.sha256("\0".join(self.text).encode())
        digest.update(np.ascontiguousarray(self.emotions, dtype=np.float32).tobytes())
        return digest.hexdigest()[:16]

    def without(self) -> list[str]:
        """The emotions that are dominant in no prompt."""
        return _absent(np.bincount(dominant(self.emotions), minlength=len(EMOTIONS)))


def select_bank(prompts: Prompts, size: int = 400, seed: int = 0) -> PromptBank:
    """Draw a bank that is balanced over dominant emotions.

    Every emotion gets as many prompts as any other; what a rare one lacks is spread evenly over the rest,
    and a remainder goes to the first ones in the order of ``EMOTIONS``. A text that stands several times
    counts once. Where there are fewer than ``size`` distinct texts all of them are taken, which is logged, as
    are emotions that no prompt has.

    Args:
        prompts: to draw from. size: M. seed: of the draw within each emotion.

    Raises:
        ConfigError: ``size`` is not positive. DataError: there is no prompt, or one without any emotion.
    """
    if size < 1:
        raise ConfigError(f"metric.bank.size={size}: the bank needs at least one prompt")
    if not len(prompts):
        raise DataError("the prompt bank is empty: the split that it is drawn from has no prompts")
    check_emotions(prompts, "prompt bank")
    _, first = np.unique(np.array(prompts.text, dtype=object), return_index=True)
    emotion = dominant(prompts.emotions[first])
    available = np.bincount(emotion, minlength=len(EMOTIONS))
    _tell_lacks(available, size)
    rng = np.random.default_rng(seed)
    drawn = []
    for label, quota in enumerate(_quotas(available, size)):
        rows = np.sort(first[emotion == label])
        drawn.append(rng.permutation(rows)[:quota])
    rows = np.concatenate(drawn)
    rows = rows[np.lexsort((prompts.text_number[rows], prompts.sample_id[rows]))]
    return PromptBank(
        prompts.sample_id[rows],
        prompts.text_number[rows],
        tuple(prompts.text[row] for row in rows),
        prompts.emotions[rows],
    )


def check_neighbours(prompts: Prompts, bank: PromptBank, k: int, exclude_self: bool) -> None:
    """Raise DataError where the bank holds fewer than ``k`` prompts for a sample, its own ones left out."""
    if len(bank) < k:
        raise DataError(
            f"metric.k={k} neighbours, but the prompt bank has only {counted(len(bank), 'prompt')}"
        )
    samples, own = np.unique(bank.sample_id, return_counts=True)
    own = np.where(np.isin(samples, prompts.sample_id), own, 0)
    if exclude_self and len(bank) - own.max() < k:
        raise DataError(
            f"metric.k={k} neighbours, but without the own prompts of sample {samples[own.argmax()]} the "
            f"prompt bank has only {len(bank) - own.max()}: take a smaller metric.k, or draw the bank from "
            "another part, metric.bank.split"
        )


def check_emotions(prompts: Prompts, where: str) -> None:
    """Raise DataError that names every prompt whose emotion vector is no distribution (only zeros)."""
    empty = prompts.sample_id[~(prompts.emotions.sum(axis=1) > 0)]
    if len(empty):
        ids = ", ".join(map(str, np.unique(empty).tolist()))
        raise DataError(f"{where}: the emotion vector is zero, which is no distribution, for sample_id {ids}")


def _quotas(available: np.ndarray, size: int) -> np.ndarray:
    """How many of each class: one at a time to the class that has fewest and is not used up."""
    quotas = np.zeros_like(available)
    for _ in range(min(size, int(available.sum()))):
        quotas[np.where(quotas < available, quotas, size + 1).argmin()] += 1
    return quotas


def _absent(counts: np.ndarray) -> list[str]:
    return [name for name, count in zip(EMOTIONS, counts, strict=True) if not count]


def _tell_lacks(available: np.ndarray, size: int) -> None:
    if available.sum() < size:
        log.warning("the prompt bank has %d prompts, not %d: there are no more", available.sum(), size)
    if absent := _absent(available):
        log.warning(
            "the prompt bank has no prompt of %s: there is none to draw, so no face can be seen to show it",
            ", ".join(absent),
        )
