"""Checks of the emotions of a data set, and of its split."""

from __future__ import annotations

from collections import Counter

import numpy as np

from emo3d_exp.data.splits import SPLITS
from emo3d_exp.dataset_builder.findings import Finding, found
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS

RARE = 0.1
"""A dominant emotion with less than this part of an even share is rare."""


def emotion_findings(corpus: Corpus) -> list[Finding]:
    """Rows that are no distribution, and how even the dominant emotions are."""
    emotions = corpus.emotions
    finite = np.isfinite(emotions).all(axis=1)
    inside = np.where(np.isfinite(emotions), (emotions >= 0) & (emotions <= 1), True).all(axis=1)
    good = finite & inside & (np.nan_to_num(emotions) > 0).any(axis=1)
    zero = finite & inside & ~good

    def samples(rows: np.ndarray) -> list[str]:
        return [f"sample {sample}" for sample in corpus.sample_id[rows].tolist()]

    return [
        *found(
            "emotions", "error", "samples with an intensity that is missing or not finite", samples(~finite)
        ),
        *found("emotions", "error", "samples with an intensity outside [0, 1]", samples(~inside)),
        *found("emotions", "error", "samples whose intensities are all zero: no distribution", samples(zero)),
        *_balance(corpus, good),
    ]


def _balance(corpus: Corpus, good: np.ndarray) -> list[Finding]:
    if not good.any():
        return []
    dominant = corpus.emotions[good].argmax(axis=1)
    counts = np.bincount(dominant, minlength=len(EMOTIONS))
    told = [f"{name}: {count}" for name, count in zip(EMOTIONS, counts.tolist(), strict=True)]
    rare = counts < RARE * counts.sum() / len(EMOTIONS)
    split = corpus.published_split[good]
    trained = {int(emotion) for emotion in dominant[np.isin(split, ["train", ""])]}
    unseen = sorted({int(emotion) for emotion in dominant[np.isin(split, ["val", "test"])]} - trained)
    ratio = counts.max() / max(1, counts.min())
    return [
        Finding(
            "balance", "note", len(EMOTIONS), f"dominant emotions; the largest is {ratio:.1f} × the smallest",
            tuple(told),
        ),
        *found(
            "balance", "warning", f"emotions that dominate less than {RARE:.0%} of an even share",
            [told[i] for i in np.flatnonzero(rare)],
        ),
        *found(
            "balance", "warning", "emotions that dominate in val or test and never in train",
            [EMOTIONS[i] for i in unseen],
        ),
    ]  # fmt: skip


def split_findings(corpus: Corpus) -> list[Finding]:
    """Samples that stand twice, unknown parts, and parts that are empty."""
    repeated = [sample for sample, count in Counter(corpus.sample_id.tolist()).items() if count > 1]
    parts = Counter(corpus.published_split.tolist())
    unknown = [
        f"{name!r}: {count}" for name, count in parts.items() if name not in ("train", "val", "test", "")
    ]
    some = any(parts[name] for name in ("train", "val", "test"))
    split_of: dict[int, set[str]] = {}
    for sample, part in zip(corpus.sample_id.tolist(), corpus.published_split.tolist(), strict=True):
        split_of.setdefault(sample, set()).add(part)
    leaks = [sample for sample, of in split_of.items() if len(of - {""}) > 1]
    empty = [name for name in SPLITS if not parts[name]] if some else []
    unsplit = corpus.sample_id[corpus.published_split == ""].tolist()
    return [
        *found("split", "error", "sample ids that stand more than once", repeated),
        *found("leaks", "error", "samples that stand in two parts of the split", leaks),
        *found("split", "error", "names that are no part of a split", unknown),
        *found("split", "warning", "parts without a sample", empty),
        *found(
            "split", "warning" if some else "note", "samples without a part (split=random draws one)", unsplit
        ),
    ]
