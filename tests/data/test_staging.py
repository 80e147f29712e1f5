import numpy as np
import pytest
import torch

from emo3d_exp.backbones import EmbeddingCache
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
    batches = TensorBatches(
        text, image, corpus.blendshapes, emotions, pairs, 4, shuffle, 3, gather_bytes=gather_bytes
    )
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


@pytest.mark.parametrize("gather_bytes", [0, 1 << 30])
def test_rows_in_files_give_the_batches_of_arrays(corpus, tmp_path, gather_bytes):
    class Numbers:
        name, dim, fingerprint = "numbers", 3, "numbers-1"

        def encode_texts(self, texts):
            return np.array([[float(text), 1, -float(text)] for text in texts], dtype=np.float32)

    cache = EmbeddingCache(tmp_path)
    text = cache.stored_texts(Numbers(), [str(i) for i in range(24)])
    faces = np.array([i for i in range(len(corpus.image)) if i not in (1, 4)])
    image = cache.stored_texts(Numbers(), [str(100 + i) for i in faces]).spread(faces, len(corpus.image))
    plain = image[:]
    plain[[1, 4]] = np.nan
    args = (corpus.blendshapes, corpus.emotions[corpus.text_sample], corpus.pairs(), 5, True, 2)
    stored = list(TensorBatches(text, image, *args, gather_bytes=gather_bytes))
    arrays = list(TensorBatches(text[:], plain, *args))
    assert len(stored) == len(arrays)
    for one, other in zip(stored, arrays, strict=True):
        assert one.keys() == other.keys() >= {"text", "image", "has_image"}
        assert all(torch.equal(column, other[name]) for name, column in one.items())


def test_batches_of_nothing_are_refused(corpus):
    text, _ = _arrays(corpus)
    with pytest.raises(ConfigError, match="batch_size=0"):
        TensorBatches(text, None, corpus.blendshapes, text, corpus.pairs(), 0)
