import numpy as np

from emo3d_exp.data import near_copy_groups, near_copy_pairs
from emo3d_exp.data.near_copies import content_words, jaccard, words


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
            if any(jaccard(view(texts[i]), view(texts[j])) >= threshold for view in (words, content_words))
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
