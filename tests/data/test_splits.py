import dataclasses

import numpy as np
import pytest

from emo3d_exp.data import PublishedSplit, RandomSplit, near_copy_pairs
from emo3d_exp.data.splits import assign_groups
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import cache_root
from emo3d_exp.vocab import dominant


def test_published(corpus):
    splits = PublishedSplit().split(corpus)
    assert splits.train.tolist() == list(range(8)) and splits.test.tolist() == [10, 11]
    assert splits.train.dtype == np.int64
    assert splits.rows("val") is splits.val
    with pytest.raises(ConfigError, match="train, val, test"):
        splits.rows("dev")
    with pytest.raises(DataError, match="split=random"):
        PublishedSplit().split(dataclasses.replace(corpus, published_split=np.array([""] * 12)))


def test_random_is_a_stratified_partition_that_depends_on_the_seed(corpus):
    big = dataclasses.replace(
        corpus,
        sample_id=np.arange(1000),
        emotions=np.eye(8, dtype=np.float32)[np.arange(1000) % 5],
        published_split=np.array([""] * 1000),
    )
    splits = RandomSplit(val=0.1, test=0.2, near_copies=None).split(big)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (700, 100, 200)
    everything = np.concatenate([splits.train, splits.val, splits.test])
    assert sorted(everything.tolist()) == list(range(1000))
    assert np.bincount(dominant(big.emotions)[splits.test])[:5].tolist() == [40] * 5
    assert RandomSplit(val=0.1, test=0.2, near_copies=None).split(big).hash == splits.hash
    assert RandomSplit(val=0.1, test=0.2, near_copies=None, seed=1).split(big).hash != splits.hash


def test_random_keeps_near_copies_together(corpus):
    text = list(corpus.text)
    for one, other in ((0, 23), (4, 12), (9, 20)):
        text[other] = text[one] + " more"
    near = dataclasses.replace(corpus, text=tuple(text))
    for seed in range(20):
        splits = RandomSplit(val=0.2, test=0.2, stratified=False, seed=seed).split(near)
        part = np.empty(12, dtype="<U5")
        for name in ("train", "val", "test"):
            part[splits.rows(name)] = name
        for one, other in near_copy_pairs(near.text):
            assert part[near.text_sample[one]] == part[near.text_sample[other]]


def test_near_copies_are_looked_for_once(corpus, monkeypatch):
    first = RandomSplit(val=0.2, test=0.2).split(corpus)
    (kept,) = (cache_root() / "near_copies").iterdir()
    monkeypatch.setattr("emo3d_exp.data.splits.near_copy_groups", None)
    assert RandomSplit(val=0.2, test=0.2).split(corpus).hash == first.hash
    monkeypatch.undo()
    kept.write_bytes(b"damaged")
    monkeypatch.setenv("EMO3D_CACHE", str(kept.parents[1]))
    assert RandomSplit(val=0.2, test=0.2).split(corpus).hash == first.hash


def test_groups_are_never_divided():
    rng = np.random.default_rng(0)
    groups = np.minimum(rng.geometric(0.02, 400), 60)
    parts = assign_groups(groups, np.zeros(400, int), 0.1, 0.2, rng)
    assert all(len(set(parts[groups == g])) == 1 for g in np.unique(groups))
    assert abs((parts == "test").sum() - 80) <= 3 and abs((parts == "val").sum() - 40) <= 3


@pytest.mark.parametrize("bad", [{"val": 0}, {"val": 0.6, "test": 0.5}, {"near_copies": 0}])
def test_settings_that_cannot_be(bad):
    with pytest.raises(ConfigError):
        RandomSplit(**bad)


def test_an_empty_split_is_told(corpus):
    with pytest.raises(DataError, match="val"):
        PublishedSplit().split(
            dataclasses.replace(corpus, published_split=np.array(["train"] * 6 + ["test"] * 6))
        )
