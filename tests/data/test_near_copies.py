from functools import cache

import numpy as np
import pytest

from emo3d_exp.data import near_copy_groups, near_copy_pairs
from emo3d_exp.data.near_copies import NearCopySearch, content_words, jaccard, words

VIEWS = (cache(words), cache(content_words))


def test_words_and_jaccard():
    assert words("She’s sad, SAD: don't!") == {"she's", "sad", "don't"}
    assert content_words("He was in the rain") == {"rain"}
    assert content_words("Is he?") == {"is", "he"}
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5


def test_pairs_agree_with_every_pair_compared():
    rng = np.random.default_rng(1)
    vocabulary = np.array(["the", "a", "he", "was", *(f"word{i}" for i in range(14))])
    texts = [" ".join(rng.choice(vocabulary, rng.integers(1, 9))) for _ in range(150)]
    for threshold in (0.5, 0.6, 0.75, 1.0):
        slow = [
            (i, j)
            for i in range(150)
            for j in range(i + 1, 150)
            if any(jaccard(view(texts[i]), view(texts[j])) >= threshold for view in VIEWS)
        ]
        assert len(slow) > 5
        assert near_copy_pairs(texts, threshold).tolist() == [list(pair) for pair in slow]


def test_groups_join_chains_and_owners():
    texts = [
        "red green blue grey",
        "red green blue grey pink",
        "pink red green blue grey gold",
        "other words here",
    ]
    assert near_copy_groups(texts, 0.75).tolist() == [0, 0, 0, 3]
    assert near_copy_groups(texts, 0.75, owners=[0, 1, 2, 1]).tolist() == [0, 0, 0]
    assert near_copy_groups([]).tolist() == []


def alike(rng, count=60):
    """Texts of which most are one with some words changed: equal ones, chains, and empty ones."""
    base = [f"same{number}" for number in range(8)]
    texts = ["", "!", "the", ""]
    while len(texts) < count:
        text = list(base)
        for place in rng.integers(len(base), size=rng.integers(4)):
            text[place] = f"other{rng.integers(rng.choice([2, 1000]))}"
        texts.append(" ".join(text))
        if rng.random() < 0.3:
            texts.append(" ".join(rng.choice([*base, "other0", "else"], rng.integers(1, 6))))
    return [texts[place] for place in rng.permutation(count)]


def slow_groups(texts, threshold):
    """What every pair compared connects: the smallest place is handed on until nothing changes."""
    near = np.array(
        [
            [any(jaccard(view(one), view(other)) >= threshold for view in VIEWS) for one in texts]
            for other in texts
        ]
    )
    groups = np.arange(len(texts))
    while True:
        smaller = np.where(near, groups, len(texts)).min(axis=1)
        if (smaller == groups).all():
            return groups
        groups = smaller


@pytest.fixture(params=[(1 << 20, 1024), (60, 4), (1, 1)], ids=["one block", "blocks", "texts"])
def sizes(request, monkeypatch):
    """Blocks so small, and groups so soon large, that all that happens among many texts happens among few."""
    for name, value in zip(("PAIRS_AT_A_TIME", "LARGE_GROUP"), request.param, strict=True):
        monkeypatch.setattr(f"emo3d_exp.data.near_copies.{name}", value)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85])
def test_groups_of_texts_much_alike_are_those_of_every_pair_compared(sizes, threshold):
    for seed in range(2):
        texts = alike(np.random.default_rng(seed))
        slow = slow_groups(texts, threshold)
        assert 1 < len(set(slow.tolist())) < 50
        assert near_copy_groups(texts, threshold).tolist() == slow.tolist()


def test_pairs_of_texts_much_alike_are_all_found_in_small_blocks(sizes):
    texts = alike(np.random.default_rng(3), 40)
    slow = [
        [i, j]
        for i in range(40)
        for j in range(i + 1, 40)
        if any(jaccard(view(texts[i]), view(texts[j])) >= 0.7 for view in VIEWS)
    ]
    assert near_copy_pairs(texts, 0.7).tolist() == slow


def test_many_texts_all_alike_are_compared_with_a_few_only(monkeypatch):
    texts = [f"all of this is the same but one word word{number}" for number in range(3000)]
    compared = []
    found = NearCopySearch._found

    def counted(search, view, index, rows, block, wanted):
        compared.append(len(rows) * len(block))
        return found(search, view, index, rows, block, wanted)

    monkeypatch.setattr(NearCopySearch, "_found", counted)
    assert near_copy_groups(texts).tolist() == [0] * 3000
    assert sum(compared) < 3000 * 3000 / 5


def test_a_chain_of_near_copies_is_one_group():
    listed = [f"word{number}" for number in range(200)]
    texts = [" ".join(listed[place : place + 10]) for place in range(190)]
    assert near_copy_groups(texts[::-1], 0.8).tolist() == [0] * 190
    assert near_copy_groups(texts[::2], 0.8).tolist() == list(range(95))
