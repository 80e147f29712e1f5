import numpy as np
import pytest
import torch

from emo3d_exp.data import TensorBatches
from emo3d_exp.errors import ConfigError


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
    emotions = corpus.emotions[corpus.text_sample]

    def run(seed, epochs, start=0):
        batches = TensorBatches(text, None, corpus.blendshapes, emotions, corpus.pairs(), 4, True, seed)
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


def test_batches_of_nothing_are_refused(corpus):
    text, _ = _arrays(corpus)
    with pytest.raises(ConfigError, match="batch_size=0"):
        TensorBatches(text, None, corpus.blendshapes, text, corpus.pairs(), 0)
