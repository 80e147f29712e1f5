import numpy as np
import pytest
import torch

from emo3d_exp.backbones.tokens import TokenRows
from emo3d_exp.data import TokenBatches
from emo3d_exp.errors import ConfigError

PAD = 99


@pytest.fixture
def sentences(corpus):
    """Token ids of each of the corpus's 24 texts; equal texts have equal ids, others differ."""
    rng = np.random.default_rng(1)
    ids = {text: [n, *rng.integers(30, 90, rng.integers(0, 9))] for n, text in enumerate(corpus.text)}
    return [ids[text] for text in corpus.text]


@pytest.fixture
def tokens(corpus, sentences):
    distinct = {text: ids for text, ids in zip(corpus.text, sentences, strict=True)}
    number = {text: row for row, text in enumerate(distinct)}
    return TokenRows(list(distinct.values()), np.array([number[text] for text in corpus.text]), PAD)


def batches(corpus, tokens, batch_size=4, shuffle=True, seed=3):
    emotions = corpus.emotions[corpus.text_sample]
    return TokenBatches(tokens, corpus.blendshapes, emotions, corpus.pairs(), batch_size, shuffle, seed)


@pytest.mark.parametrize("pad_left", [False, True])
def test_rows_are_padded_to_the_longest(tokens, sentences, pad_left):
    assert len(tokens) == len(sentences) == 24
    assert tokens.lengths.tolist() == [len(ids) for ids in sentences]
    tokens.pad_left = pad_left
    texts = [7, 0, 6, 12, 7]
    batch = tokens.batch(np.array(texts))
    longest = max(len(sentences[text]) for text in texts)
    for row, text in enumerate(texts):
        ids, fill = sentences[text], [PAD] * (longest - len(sentences[text]))
        ones, zeros = [1] * len(ids), [0] * len(fill)
        assert batch["input_ids"][row].tolist() == (fill + ids if pad_left else ids + fill)
        assert batch["attention_mask"][row].tolist() == (zeros + ones if pad_left else ones + zeros)
    assert batch["input_ids"].dtype == batch["attention_mask"].dtype == torch.int64
    assert tokens.batch(np.array([], dtype=int))["input_ids"].shape == (0, 0)


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_pair_once_with_its_own_rows(corpus, tokens, sentences, shuffle):
    emotions, pairs = corpus.emotions[corpus.text_sample], corpus.pairs()
    staged = batches(corpus, tokens, 4, shuffle)
    got = list(staged)
    assert len(got) == len(staged) == -(-len(pairs) // 4)
    assert sorted(len(b["blendshapes"]) for b in got)[1:] == [4] * (len(got) - 1)
    found = []
    for batch in got:
        ids = batch["tokens"]["input_ids"]
        assert ids.shape[1] == batch["tokens"]["attention_mask"].sum(dim=1).max()
        for row in range(len(ids)):
            kept = ids[row][batch["tokens"]["attention_mask"][row] == 1].tolist()
            face, feeling = batch["blendshapes"][row].numpy(), batch["emotions"][row].numpy()
            (number,) = [
                n
                for n, (text, image) in enumerate(pairs)
                if sentences[text] == kept
                and (corpus.blendshapes[image] == face).all()
                and (emotions[text] == feeling).all()
                and n not in found
            ][:1]
            found.append(number)
    assert sorted(found) == list(range(len(pairs)))


def test_order_depends_on_seed_and_epoch_alone(corpus, tokens):
    def run(seed, epochs, start=0):
        staged = batches(corpus, tokens, seed=seed)
        staged.set_epoch(start)
        return [torch.cat([b["blendshapes"] for b in staged]) for _ in range(epochs)]

    first, second = run(1, 2)
    assert not torch.equal(first, second)
    assert torch.equal(run(1, 1, start=1)[0], second)
    assert not torch.equal(run(2, 1)[0], first)


@pytest.mark.parametrize("shuffle", [False, True])
def test_texts_of_similar_length_share_a_batch(shuffle):
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 60, 600)
    tokens = TokenRows([[1] * n for n in lengths], np.arange(600), 0)
    faces, pairs = np.zeros((600, 52)), np.arange(600).repeat(2).reshape(-1, 2)
    staged = TokenBatches(tokens, faces, np.zeros((600, 8)), pairs, 20, shuffle)
    spent = sum(batch["tokens"]["input_ids"].numel() for batch in staged)
    by_chance = sum(20 * lengths[rng.permutation(600)[:20]].max() for _ in range(30))
    assert lengths.sum() <= spent < 1.15 * lengths.sum() < by_chance
    if shuffle:
        longest = [batch["tokens"]["input_ids"].shape[1] for batch in staged]
        assert longest != sorted(longest) != longest[::-1], "long and short batches are mixed"


def test_batches_of_nothing_are_refused(corpus, tokens):
    with pytest.raises(ConfigError, match="batch_size=0"):
        batches(corpus, tokens, 0)
