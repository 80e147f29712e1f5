"""Checks of the texts of a data set: empty ones, copies, and leaks between its parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emo3d_exp.data.near_copies import NearCopySearch
from emo3d_exp.dataset_builder.findings import Finding, excerpt, found
from emo3d_exp.records import Corpus


def text_findings(corpus: Corpus, near_copies: float | None = 0.6, max_words: int = 200) -> list[Finding]:
    """What stands out in the texts.

    Args:
        near_copies: Jaccard similarity of words from which texts are near copies; None leaves the search out.
        max_words: of a text that is not very long.
    """
    texts = [" ".join(text.split()).casefold() for text in corpus.text]
    lengths = np.array([len(text.split()) for text in texts], dtype=np.int64)
    without = np.setdiff1d(np.arange(len(corpus)), corpus.text_sample)
    told = _Told(corpus)
    return [
        *found("texts", "error", "samples without a text", corpus.sample_id[without].tolist()),
        *found("texts", "error", "empty texts", map(told.place, np.flatnonzero(lengths == 0).tolist())),
        *found(
            "texts",
            "warning",
            f"texts of more than {max_words} words",
            (f"{told.place(i)}: {lengths[i]} words" for i in np.flatnonzero(lengths > max_words).tolist()),
        ),
        *_equal(texts, told),
        *([] if near_copies is None else _near(texts, told, near_copies)),
    ]


class _Told:
    """Texts and pairs of texts, in words."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.owner = corpus.text_sample.tolist()
        self.split = corpus.published_split[corpus.text_sample].tolist()

    def place(self, text: int) -> str:
        return f"sample {self.corpus.sample_id[self.owner[text]]}, text {self.corpus.text_number[text]}"

    def pair(self, one: int, other: int) -> str:
        samples = [int(self.corpus.sample_id[self.owner[text]]) for text in (one, other)]
        parts = [self.split[text] or "no part" for text in (one, other)]
        where = f"samples {samples[0]} ({parts[0]}) and {samples[1]} ({parts[1]})"
        return f"{where}: {excerpt(self.corpus.text[one])}"

    def leaks(self, one: int, other: int) -> bool:
        """The two stand in different parts."""
        return bool(self.split[one] and self.split[other]) and self.split[one] != self.split[other]


def _equal(texts: list[str], told: _Told) -> list[Finding]:
    leaks, copies = [], []
    for same in _groups(texts):
        owners = {told.owner[text] for text in same}
        if len(owners) == 1:
            continue
        first = same[0]
        other = next((text for text in same if told.leaks(first, text)), None)
        if other is not None:
            leaks.append(told.pair(first, other))
        else:
            copies.append(
                told.pair(first, next(text for text in same if told.owner[text] != told.owner[first]))
            )
    return [
        *found("leaks", "error", "texts that stand in two parts of the split", leaks),
        *found("copies", "warning", "texts that several samples of one part share", copies),
    ]


def _groups(texts: list[str]) -> Iterator[list[int]]:
    places: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if text:
            places.setdefault(text, []).append(place)
    return (same for same in places.values() if len(same) > 1)


def _near(texts: list[str], told: _Told, threshold: float) -> list[Finding]:
    """Near copies that are not equal; a text counts once, with its first near copy."""
    distinct: dict[str, int] = {}
    for place, text in enumerate(texts):
        if text:
            distinct.setdefault(text, place)
    places = np.array(list(distinct.values()), dtype=np.int64)
    owner = np.array(told.owner, dtype=np.int64)[places]
    part = np.array(told.split, dtype=object)[places]
    search = NearCopySearch(list(distinct), threshold)
    leaks, copies = [], []
    for name in sorted(set(part)):
        own = part == name
        # Without a part, a text leaks into none.
        same = own | (part == "") if name else np.ones_like(own)
        leaks += _first(search, own, ~same, owner)
        copies += _first(search, own, same, owner)
    like = f"near copies (similarity from {threshold:g})"
    leaking, copied = ([told.pair(*places[list(pair)]) for pair in sorted(each)] for each in (leaks, copies))
    return [
        *found("leaks", "warning", f"texts with {like} in another part of the split", leaking),
        *found("copies", "note", f"texts with {like} in another sample of the same part", copied),
    ]


def _first(
    search: NearCopySearch, asking: np.ndarray, among: np.ndarray, owner: np.ndarray
) -> list[tuple[int, int]]:
    """Texts of ``asking`` with the first before them, of ``among`` and another sample, that is a near copy.

    Args:
        asking, among: (T,) bool. owner: (T,) the sample of each text.

    Returns:
        The earlier text, the later one.
    """
    asking, firsts = asking.copy(), np.full(len(asking), -1)

    def wanted(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (other < one) & (owner[one] != owner[other])

    for block, pairs in search.sweep(among, asking, wanted):
        texts, at = np.unique(pairs[:, 0], return_index=True)
        firsts[texts] = pairs[at, 1]
        asking[texts] = asking[: block[-1] + 1] = False
    found = np.flatnonzero(firsts >= 0)
    return list(zip(firsts[found].tolist(), found.tolist(), strict=True))
