"""Training, validation and test samples: always whole samples, never single text-face pairs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from emo3d_exp.data.near_copies import near_copy_groups
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import Corpus
from emo3d_exp.runs import cache_root, write_atomically
from emo3d_exp.vocab import dominant

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Splits:
    """Ascending int64 rows of ``corpus.sample_id`` for each split, and the ids they stand for."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    hash: str

    def rows(self, split: str) -> np.ndarray:
        """Rows of one split. Raises ConfigError for a name other than train, val, test."""
        if split not in SPLITS:
            raise ConfigError(f"split {split!r}: choose one of {', '.join(SPLITS)}")
        return getattr(self, split)


class Splitter(ABC):
    """A way to split a corpus."""

    @abstractmethod
    def assign(self, corpus: Corpus) -> np.ndarray:
        """(S,) array of ``"train"``, ``"val"``, ``"test"``, or ``""`` for samples left out."""

    def split(self, corpus: Corpus) -> Splits:
        """Split a corpus.

        Raises:
            DataError: a split would be empty.
        """
        assigned = self.assign(corpus)
        rows = {split: np.flatnonzero(assigned == split).astype(np.int64) for split in SPLITS}
        empty = [split for split in SPLITS if not len(rows[split])]
        if empty:
            raise DataError(f"{corpus.name}: the split has no sample for {' and '.join(empty)}")
        digest = hashlib.sha256()
        for split in SPLITS:
            digest.update(split.encode() + corpus.sample_id[rows[split]].tobytes())
        return Splits(**rows, hash=digest.hexdigest()[:16])


class PublishedSplit(Splitter):
    """The split that the data set comes with."""

    def assign(self, corpus: Corpus) -> np.ndarray:
        """Raises DataError where the data set has no split of its own."""
        if not np.isin(corpus.published_split, SPLITS).any():
            raise DataError(
                f"{corpus.name} comes without a published split (the three CSV files carry it); "
                "choose split=random"
            )
        return corpus.published_split


class RandomSplit(Splitter):
    """Samples drawn at random.

    Args:
        val, test: shares of the samples; the rest is for training.
        seed: of the draw, apart from the training's seed, so that runs with several seeds can be compared.
        stratified: the dominant emotions have about the same shares in every split.
        near_copies: word-set Jaccard similarity from which samples stay together; None splits without it.
    """

    def __init__(
        self,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 0,
        stratified: bool = True,
        near_copies: float | None = 0.6,
    ) -> None:
        if not (val > 0 and test > 0 and val + test < 1):
            raise ConfigError(
                f"split.val={val} and split.test={test} must be positive and sum to less than 1"
            )
        if near_copies is not None and not 0 < near_copies <= 1:
            raise ConfigError(f"split.near_copies={near_copies} must lie in (0, 1], or be null")
        self.val = val
        self.test = test
        self.seed = seed
        self.stratified = stratified
        self.near_copies = near_copies

    def assign(self, corpus: Corpus) -> np.ndarray:
        """(S,) split names."""
        groups = np.arange(len(corpus))
        if self.near_copies is not None:
            groups = _cached_groups(corpus, self.near_copies)
        strata = dominant(corpus.emotions) if self.stratified else np.zeros(len(corpus), dtype=np.int64)
        return assign_groups(groups, strata, self.val, self.test, np.random.default_rng(self.seed))


def _cached_groups(corpus: Corpus, threshold: float) -> np.ndarray:
    """``near_copy_groups`` of a corpus, kept in the cache folder: it takes half a minute for 60,000 texts."""
    key = hashlib.sha256(f"{threshold}\0".encode() + corpus.text_sample.tobytes())
    key.update("\0".join(corpus.text).encode())
    file = cache_root() / "near_copies" / f"{key.hexdigest()[:24]}.npy"
    try:
        groups = np.load(file)
        if groups.shape == (len(corpus),):
            return groups
    except (OSError, ValueError):
        pass  # not there, or damaged: made again below
    groups = near_copy_groups(corpus.text, threshold, corpus.text_sample.tolist())
    # A sample after the last text has no near copy: its own group.
    groups = np.concatenate([groups, np.arange(len(groups), len(corpus))])
    with write_atomically(file) as partial:
        np.save(partial, groups)
    return groups


def assign_groups(
    groups: np.ndarray, strata: np.ndarray, val: float, test: float, rng: np.random.Generator
) -> np.ndarray:
    """Deal whole groups out to the splits until each has its share of every stratum.

    Args:
        groups: (S,) group of each sample; a group is never divided. strata: (S,) int, such as the dominant
            emotion; a group counts in the stratum of its first sample.
        val, test: shares; the rest is for training.

    Returns:
        (S,) array of split names. Groups too large for what is left of a share go to training.
    """
    _, first, member, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    assigned = np.full(len(first), "train", dtype="<U5")
    for stratum in np.unique(strata[first]):
        numbers = np.flatnonzero(strata[first] == stratum)
        total = size[numbers].sum()
        wanted = {"test": round(test * total), "val": round(val * total)}
        for number in rng.permutation(numbers):
            for split in wanted:
                if size[number] <= wanted[split]:
                    assigned[number] = split
                    wanted[split] -= int(size[number])
                    break
    return assigned[member.reshape(-1)]
