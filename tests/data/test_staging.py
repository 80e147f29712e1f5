import numpy as np
import pytest
import torch

from emo3d_exp.data import TensorBatches, stage_pairs
from emo3d_exp.errors import DataError


def _arrays(corpus, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(24, 5)).astype("f"), rng.normal(size=(len(corpus.image), 4)).astype("f")


@pytest.mark.parametrize("gather_bytes", [0, 1 << 30])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_pair_once_with_its_own_rows(corpus, gather_bytes, shuffle):
    text, image = _arrays(corpus)
    pairs = corpus.pairs()
    emotions = corpus.emotions[corpus.text_sample]
    batches = TensorBatches(text, image, corpus.blendshapes, emotions, pairs, 4, shuffle, 3, gather_bytes)
    got = list(batches)
    assert len(got) == len(batches) == -(-len(pairs) // 4)
    assert [len(b["text"]) for b in got[:-1]] == [4] * (len(got) - 1)
    whole = {key: torch.cat([b[key] for b in got]).numpy() for key in got[0]}
    assert set(whole) == {"text", "image", "blendshapes", "emotions"}
    order = [
        int(np.flatnonzero((text[pairs[:, 0]] == t).all(1) & (image[pairs[:, 1]] == i).all(1))[0])
        for t, i in zip(whole["text"], whole["image"], strict=True)
    ]
    assert sorted(order) == list(range(len(pairs))) and (order == sorted(order)) != shuffle
    np.testing.assert_array_equal(whole["blendshapes"], corpus.blendshapes[pairs[order, 1]])
    np.testing.assert_array_equal(whole["emotions"], emotions[pairs[order, 0]])


def test_order_depends_on_seed_and_epoch_alone(corpus):
    text, _ = _arrays(corpus)
    rows = np.arange(12)

    def run(seed, epochs, start=0):
        batches = stage_pairs(corpus, rows, text, None, 4, shuffle=True, seed=seed)
        batches.set_epoch(start)
        return [torch.cat([b["text"] for b in batches]) for _ in range(epochs)]

    first, second = run(1, 2)
    assert not torch.equal(first, second)
    assert torch.equal(run(1, 1, start=1)[0], second)
    assert not torch.equal(run(2, 1)[0], first)


@pytest.mark.parametrize("gather_bytes", [0, 1 << 30])
def test_missing_images_are_flagged(corpus, gather_bytes):
    text, image = _arrays(corpus)
    image[1] = np.nan
    args = (corpus.blendshapes, corpus.emotions[corpus.text_sample], corpus.pairs(), 100)
    batch = next(iter(TensorBatches(text, image, *args, gather_bytes=gather_bytes)))
    missing = corpus.pairs()[:, 1] == 1
    np.testing.assert_array_equal(batch["has_image"].numpy(), ~missing)
    assert (batch["image"][torch.as_tensor(missing)] == 0).all() and batch["image"].isfinite().all()
    assert "image" not in next(iter(TensorBatches(text, None, *args)))


def test_only_the_chosen_samples(corpus):
    text, _ = _arrays(corpus)
    batches = stage_pairs(corpus, np.array([2, 4]), text, None, 100)
    chosen = [p for p in corpus.pairs() if corpus.text_sample[p[0]] in (2, 4)]
    np.testing.assert_array_equal(next(iter(batches))["text"].numpy(), text[[t for t, _ in chosen]])
    with pytest.raises(DataError, match="has a face"):
        stage_pairs(corpus, np.array([0]), text, None, 100)
