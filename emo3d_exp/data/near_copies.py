"""Finds texts that say nearly the same in nearly the same words, so that no split shares them.

Two texts are near copies when the sets of their words have a Jaccard similarity of at least a threshold,
either of all words or of the content words (those that are not articles, pronouns, prepositions …). The
search is exact: two sets that reach the threshold share a few of the rarest words of each (the prefix filter
of Chaudhuri, Ganti and Kaushik, ICDE 2006, in the longer form of Wang, Li and Feng, SIGMOD 2012), so only
such pairs are compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

THRESHOLD = 0.6
PREFIX_SHARE = 2
"""A longer prefix means longer lists to count in, but far fewer pairs to compare."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FUNCTION_WORDS = """
    a about after again all am an and any are as at be because been before being but by can could did do
    does for from had has have he her hers herself him himself his i if in into is it its itself just me more
    most my myself no not of off on or our ours out over own she so some such than that the their theirs them
    themselves then there these they this those through to too under up us very was we were what when where
    which while who whom whose why will with would you your yours yourself
"""


def words(text: str) -> frozenset[str]:
    """The distinct words of a text in lower case, without punctuation."""
    return frozenset(_WORD.findall(text.lower().replace("’", "'")))


def content_words(text: str) -> frozenset[str]:
    """The words that carry the meaning; all words where a text has no other."""
    every = words(text)
    return every.difference(_FUNCTION_WORDS.split()) or every


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 1 for two empty sets."""
    return len(one & other) / len(one | other) if one or other else 1.0


def near_copy_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> np.ndarray:
    """Every pair of near copies: (P, 2) int64 rows of ``texts``, the smaller first, ascending."""
    found: set[tuple[int, int]] = set()
    for view in (words, content_words):
        found |= _similar([view(text) for text in texts], threshold)
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def near_copy_groups(
    texts: Sequence[str], threshold: float = THRESHOLD, owners: Sequence[int] | None = None
) -> np.ndarray:
    """Number the groups of texts that near copies connect.

    Args:
        owners: (T,) row of the sample each text belongs to; samples with a near copy in common are connected.
            By default every text is its own.

    Returns:
        (number of owners,) int64, the smallest row of each one's group.
    """
    owner = np.arange(len(texts)) if owners is None else np.asarray(owners, dtype=np.int64)
    total = int(owner.max()) + 1 if len(owner) else 0
    return _connected(total, owner[near_copy_pairs(texts, threshold)].tolist())


def _connected(total: int, pairs: Iterable[Sequence[int]]) -> np.ndarray:
    """Union-find: for each of ``total`` items the smallest item it is connected with."""
    parent = list(range(total))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return np.array([root(item) for item in range(total)], dtype=np.int64)


def _similar(sets: Sequence[frozenset[str]], threshold: float) -> set[tuple[int, int]]:
    frequency = Counter(word for members in sets for word in members)
    seen_with: dict[str, list[int]] = {}
    shares: list[int] = []
    pairs: set[tuple[int, int]] = set()
    for row, members in enumerate(sets):
        prefix, share = _prefix(members, frequency, threshold)
        met: Counter[int] = Counter()
        for word in prefix:
            met.update(seen_with.setdefault(word, []))
            seen_with[word].append(row)
        shares.append(share)
        least, most = threshold * len(members), len(members) / threshold
        for other, count in met.items():
            if count < share and count < shares[other]:
                continue
            if least <= len(sets[other]) <= most and jaccard(members, sets[other]) >= threshold:
                pairs.add((other, row))
    return pairs


def _prefix(members: frozenset[str], frequency: Counter[str], threshold: float) -> tuple[list[str], int]:
    """The rarest words of a set, and how many of them it shares with every set that reaches the threshold.

    Such a set has at least ``o = ceil(threshold * n)`` of the n words, so whatever it lacks, it shares s of
    the ``n - o + s`` rarest (s up to o), and s of its own, in the same order of words.
    """
    overlap = max(1, math.ceil(threshold * len(members) - 1e-9))
    share = min(PREFIX_SHARE, overlap)
    rarest = sorted(members, key=lambda word: (frequency[word], word)) or [""]
    return rarest[: max(len(members), 1) - overlap + share], share
