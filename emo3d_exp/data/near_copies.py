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
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

THRESHOLD = 0.6
PREFIX_SHARE = 3
"""A longer prefix means more words in common to count, but far fewer pairs to compare."""
PAIRS_AT_A_TIME, ROWS_AT_A_TIME = 1 << 20, 1 << 15
"""What bounds the memory, whatever the number of texts."""
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
    """Every pair of near copies: (P, 2) int64 rows of ``texts``, the smaller first, ascending.

    Among texts of which very many are equal these are very many pairs; :func:`near_copy_groups` does without
    them.
    """
    found = [_similar([view(text) for text in texts], threshold) for view in (words, content_words)]
    codes = np.unique(np.concatenate(found))
    return np.stack(np.divmod(codes, max(1, len(texts))), axis=1)


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
    firsts: dict[frozenset[str], int] = {}
    # Texts of the same words have the same near copies: they are connected here, and searched for once.
    same = [(firsts.setdefault(words(text), place), place) for place, text in enumerate(texts)]
    places = np.array(list(firsts.values()), dtype=np.int64)
    pairs = places[near_copy_pairs([texts[place] for place in places], threshold)]
    joined = np.concatenate([np.array(same, dtype=np.int64).reshape(-1, 2), pairs])
    return _connected(total, owner[joined].tolist())


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


def _similar(sets: Sequence[frozenset[str]], threshold: float) -> np.ndarray:
    """Pairs of sets that reach the threshold: (P,) int64, smaller row * number of sets + larger row."""
    every, prefixes, shares = _tables(sets, threshold)
    found = [np.empty(0, np.int64)]
    for rows in _blocks(prefixes):
        one, other = _candidates(prefixes, shares, rows)
        reached = _jaccards(every, one, other) >= threshold
        found.append(other[reached] * len(sets) + one[reached])
    return np.concatenate(found)


def _tables(sets: Sequence[frozenset[str]], threshold: float) -> tuple[csr_matrix, csr_matrix, np.ndarray]:
    """(N, words) of 0 and 1, all words of every set and its rarest; and how many of the latter it shares with
    every set that reaches the threshold.

    Such a set has at least ``o = ceil(threshold * n)`` of the n words, so whatever it lacks, it shares s of
    the ``n - o + s`` rarest (s up to o), and s of its own, in the same order of words.
    """
    frequency = Counter(word for members in sets for word in members)
    rank = {word: place for place, word in enumerate(sorted(frequency, key=lambda w: (frequency[w], w)))}
    # Two empty sets are equal: they share a word that no text has.
    ranked = [sorted(rank[word] for word in members) or [len(rank)] for members in sets]
    overlaps = [max(1, math.ceil(threshold * len(members) - 1e-9)) for members in ranked]
    shares = np.minimum(PREFIX_SHARE, np.array(overlaps, dtype=np.int64))
    rarest = [
        members[: len(members) - overlap + share]
        for members, overlap, share in zip(ranked, overlaps, shares.tolist(), strict=True)
    ]
    return _matrix(ranked, len(rank) + 1), _matrix(rarest, len(rank) + 1), shares


def _matrix(rows: Sequence[Sequence[int]], width: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter(chain.from_iterable(rows), np.int32, int(ends[-1]))
    return csr_matrix((np.ones(len(columns), np.int32), columns, ends), shape=(len(rows), width))


def _blocks(prefixes: csr_matrix) -> Iterator[slice]:
    """Consecutive rows that have at most ``PAIRS_AT_A_TIME`` words in common with others, or a single one."""
    met = prefixes @ np.asarray(prefixes.sum(axis=0)).ravel().astype(np.int64)
    start, total = 0, 0
    for row, count in enumerate(met.tolist()):
        if total and total + count > PAIRS_AT_A_TIME:
            yield slice(start, row)
            start, total = row, 0
        total += count
    if len(met):
        yield slice(start, len(met))


def _candidates(prefixes: csr_matrix, shares: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and earlier rows that share enough of the rarest words with them."""
    counts = (prefixes[rows] @ prefixes[: rows.stop].T).tocoo()
    one, other = counts.row.astype(np.int64) + rows.start, counts.col.astype(np.int64)
    kept = (other < one) & (counts.data >= np.minimum(shares[one], shares[other]))
    return one[kept], other[kept]


def _jaccards(every: csr_matrix, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(P,) float64, similarity of each pair of rows."""
    sizes = np.diff(every.indptr).astype(np.int64)
    parts = [slice(at, at + ROWS_AT_A_TIME) for at in range(0, len(one), ROWS_AT_A_TIME)]
    common = [np.asarray(every[one[part]].multiply(every[other[part]]).sum(axis=1)) for part in parts]
    shared = np.concatenate([np.empty((0, 1), np.int64), *common]).ravel()
    return shared / (sizes[one] + sizes[other] - shared)
