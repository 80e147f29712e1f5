"""Finds texts that say nearly the same in nearly the same words, so that no split shares them.

Two texts are near copies when the sets of their words have a Jaccard similarity of at least a threshold,
either of all words or of the content words (those that are not articles, pronouns, prepositions …). The
search is exact: two sets that reach the threshold share a few of the rarest words of each (the prefix filter
of Chaudhuri, Ganti and Kaushik, ICDE 2006, in the longer form of Wang, Li and Feng, SIGMOD 2012), so only
such pairs are compared. Among texts that are very much alike nearly all pairs are near copies: a search is
therefore told on its way which texts need no further comparing, and never lists more than a block of pairs.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

THRESHOLD = 0.6
PREFIX_SHARE = 3
"""A longer prefix means more words in common to count, but far fewer pairs to compare."""
PAIRS_AT_A_TIME, ROWS_AT_A_TIME = 1 << 20, 1 << 15
"""What bounds the memory, whatever the number of texts and however alike they are."""
LARGE_GROUP = 1024
"""So many texts of one group are compared with the other texts only, apart from the rest."""
_View = tuple["csr_matrix", "csr_matrix", np.ndarray]
_Wanted = Callable[[np.ndarray, np.ndarray], np.ndarray]
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


class NearCopySearch:
    """Finds the near copies of T texts block by block, among those that are still to be compared."""

    def __init__(self, texts: Sequence[str], threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._views = [_tables([view(text) for text in texts], threshold) for view in (words, content_words)]

    def sweep(
        self, acting: np.ndarray, asking: np.ndarray, wanted: _Wanted, owners: np.ndarray | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Compare the acting texts, in their order, with all that ask.

        Args:
            acting, asking: (T,) bool; read anew for every block, so that whoever receives one takes those out
                that need no more comparing. It ends when none acts, or none asks.
            wanted: given (P,) asking and (P,) acting texts, which pairs to compare; none with itself.
            owners: (T,) ascending; the texts of one owner come in one block, if they act.

        Yields:
            (B,) int64 texts that acted, ascending, and (P, 2) int64 their near copies: text that asked, text
            that acted, ascending.
        """
        place = 0
        while asking.any():
            rows = np.flatnonzero(asking)
            views = [(view, view[1][rows].T.tocsr()) for view in self._views]
            met = sum(view[1] @ np.diff(index.indptr).astype(np.int64) for view, index in views)
            # What asks no more stays in the index until there is much of it.
            while 5 * np.count_nonzero(asking) >= 4 * len(rows):
                block = _block(place + np.flatnonzero(acting[place:]), met, owners)
                if not len(block):
                    return
                place = int(block[-1]) + 1
                found = [
                    self._found(view, index, rows, block, lambda one, other: asking[one] & wanted(one, other))
                    for view, index in views
                ]
                yield block, np.stack(np.divmod(np.unique(np.concatenate(found)), len(asking)), axis=1)

    def _found(
        self, view: _View, index: csr_matrix, rows: np.ndarray, block: np.ndarray, wanted: _Wanted
    ) -> np.ndarray:
        """(P,) int64, row * T + text of the block, of the near copies in one view."""
        every, rarest, shares = view
        counts = (rarest[block] @ index).tocoo()
        enough = counts.data >= np.minimum(shares[rows][counts.col], shares[block][counts.row])
        one, other = rows[counts.col[enough]], block[counts.row[enough]]
        kept = wanted(one, other)
        one, other = one[kept], other[kept]
        reached = _jaccards(every, one, other) >= self.threshold
        return one[reached] * len(shares) + other[reached]


def _block(ahead: np.ndarray, met: np.ndarray, owners: np.ndarray | None) -> np.ndarray:
    """The first texts, at most ``PAIRS_AT_A_TIME`` words of which others have too, or a single owner's."""
    count = max(1, int(np.searchsorted(np.cumsum(met[ahead]), PAIRS_AT_A_TIME, "right")))
    if owners is not None and len(ahead):
        count = int(np.searchsorted(owners[ahead], owners[ahead[:count][-1]], "right"))
    return ahead[:count]


def near_copy_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> np.ndarray:
    """Every pair of near copies: (P, 2) int64 rows of ``texts``, the smaller first, ascending.

    Among texts of which very many are alike these are very many pairs; :func:`near_copy_groups` and
    :class:`NearCopySearch` do without them.
    """
    asking = np.ones(len(texts), dtype=bool)
    found = [np.empty((0, 2), dtype=np.int64)]
    search = NearCopySearch(texts, threshold)
    for block, pairs in search.sweep(np.ones_like(asking), asking, lambda one, other: other < one):
        asking[: block[-1] + 1] = False
        found.append(pairs[:, ::-1])
    listed = np.concatenate(found)
    return listed[np.lexsort((listed[:, 1], listed[:, 0]))]


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
    labels = _components([texts[place] for place in places], threshold)
    similar = np.stack([places[_smallest(labels)], places], axis=1)
    pairs = np.concatenate([np.array(same, dtype=np.int64).reshape(-1, 2), similar])
    return _smallest(_merged(np.arange(total), owner[pairs]))


def _smallest(labels: np.ndarray) -> np.ndarray:
    """(N,) int64, for each place the first one that has its label, which are 0, 1, …"""
    return np.unique(labels, return_index=True)[1][labels]


def _components(texts: Sequence[str], threshold: float) -> np.ndarray:
    """(T,) int64 from 0, the same for texts that near copies connect.

    A text is compared with all that were not before it, save those it is known to be connected with.
    """
    search, labels = NearCopySearch(texts, threshold), np.arange(len(texts))
    left = np.ones(len(texts), dtype=bool)

    def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return labels[one] != labels[other]

    while left.any():
        largest = _largest(labels[left])
        acting, asking = left, left
        if largest is not None:
            acting, asking = left & (labels == largest), left & (labels != largest)
        for block, pairs in search.sweep(acting, asking, apart):
            left[block] = False
            if len(pairs):
                labels = _merged(labels, pairs)
                if largest is not None:
                    asking &= labels != labels[block[0]]
                elif _largest(labels[left]) is not None:
                    break
        else:
            left &= ~acting
    return labels


def _largest(labels: np.ndarray) -> int | None:
    """The most frequent label, if ``LARGE_GROUP`` have it."""
    counts = np.bincount(labels) if len(labels) else np.zeros(1)
    return int(counts.argmax()) if counts.max() >= LARGE_GROUP else None


def _merged(labels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The labels after the two groups of each pair have become one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    one, other = labels[pairs].T
    joined = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(len(labels), len(labels)))
    return connected_components(joined, directed=False)[1].astype(np.int64)[labels]


def _tables(sets: Sequence[frozenset[str]], threshold: float) -> _View:
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


def _jaccards(every: csr_matrix, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(P,) float64, similarity of each pair of rows."""
    sizes = np.diff(every.indptr).astype(np.int64)
    parts = [slice(at, at + ROWS_AT_A_TIME) for at in range(0, len(one), ROWS_AT_A_TIME)]
    common = [np.asarray(every[one[part]].multiply(every[other[part]]).sum(axis=1)) for part in parts]
    shared = np.concatenate([np.empty((0, 1), np.int64), *common]).ravel()
    return shared / (sizes[one] + sizes[other] - shared)
