"""What is added to the training data, and the noise on their embeddings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from emo3d_exp.augmentation import Augmentation, NoisyBatches, beginning, swapped_sides, with_noise
from emo3d_exp.data import TensorBatches
from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import MLPHead
from emo3d_exp.records import Corpus

pytestmark = pytest.mark.usefixtures("one_thread")


def batches(rows: int = 40, dim: int = 3000, seed: int = 1) -> TensorBatches:
    rng = np.random.default_rng(0)
    text = (rng.normal(size=(rows, dim)) * np.linspace(0.1, 10, rows)[:, None]).astype(np.float32)
    image = text[::-1].copy()
    image[3] = np.nan
    face = rng.random((rows, 52)).astype(np.float32)
    pairs = np.arange(rows).repeat(2).reshape(-1, 2)
    return TensorBatches(text, image, face, face[:, :8].copy(), pairs, 16, True, seed)


def collected(source: TensorBatches | NoisyBatches) -> dict[str, torch.Tensor]:
    got = list(source)
    return {name: torch.cat([batch[name] for batch in got]) for name in got[0]}


def test_nothing_is_done_where_nothing_is_asked(corpus: Corpus) -> None:
    nothing, source = Augmentation(), batches()
    assert nothing.corpus(corpus, 1) is corpus
    assert nothing.batches(source, 1) is source
    assert not nothing.does_something and not nothing.adds_noise
    assert all(
        Augmentation(**{key: 0.5}).does_something for key in ("beginnings", "word_dropout", "text_noise")
    )


def test_beginnings_stand_behind_the_texts_they_belong_to(corpus: Corpus) -> None:
    more, exchange = Augmentation(beginnings=0.4).exchange(corpus)
    assert more.text[:7] == corpus.text
    assert more.text[7:] == ("Left brow up.", "She fell.")
    assert more.text_sample[7:].tolist() == [0, 2]
    assert more.text_number[7:].tolist() == [1, 1]
    assert more.image == corpus.image
    assert exchange is not None and exchange.share == 0.4
    for row, other in enumerate(exchange.other):
        assert (more.text[other] if other >= 0 else None) == beginning(corpus.text[row])
    assert Augmentation().exchange(corpus) == (corpus, None)


def test_variants_are_the_same_for_the_same_seed_alone(corpus: Corpus) -> None:
    fewer = Augmentation(word_dropout=0.4, copies=3)
    one, again, other = (fewer.corpus(corpus, seed) for seed in (1, 1, 2))
    assert one.text == again.text != other.text
    assert len(one.text) == 4 * 7
    assert one.text_sample[7:].tolist() == corpus.text_sample.repeat(3).tolist()
    for text, sample in zip(one.text[7:], one.text_sample[7:], strict=True):
        whole = [corpus.text[row].split() for row in np.flatnonzero(corpus.text_sample == sample)]
        assert any(set(text.split()) <= set(words) for words in whole)


def test_all_together(corpus: Corpus) -> None:
    """Variants, then everything mirrored, then the beginnings of all."""
    everything = Augmentation(mirror=True, beginnings=1.0, word_dropout=0.2, copies=2)
    more = everything.corpus(corpus, 1)
    assert len(more.text) == 2 * 3 * 7 and len(more.image) == 2 * 6 and len(more) == 8
    half = more.select(np.arange(4))
    assert half.text[:7] == corpus.text
    assert more.text[21:] == tuple(swapped_sides(text) for text in half.text)
    assert len(more.pairs()) == 2 * len(half.pairs())
    whole, _ = everything.exchange(more)
    begun = [start for text in more.text if (start := beginning(text))]
    assert whole.text == (*more.text, *begun)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_noise_has_the_share_of_each_row(share: float) -> None:
    source = batches()
    clean, noisy = collected(source), collected(NoisyBatches(batches(), {"text": share}, 1))
    for row, (before, after) in enumerate(zip(clean["text"], noisy["text"], strict=True)):
        size = float(np.sqrt(np.mean(before.numpy().astype(float) ** 2)))
        assert float((after - before).std()) == pytest.approx(share * size, rel=0.08), row
        assert abs(float((after - before).mean())) < 0.1 * share * size
    for untouched in ("image", "blendshapes", "emotions", "has_image"):
        assert torch.equal(clean[untouched], noisy[untouched])


def test_missing_pictures_stay_zeros() -> None:
    noisy = collected(NoisyBatches(batches(), {"text": 0.0, "image": 0.5}, 1))
    assert (noisy["image"][~noisy["has_image"]] == 0).all()
    assert torch.equal(noisy["text"], collected(batches())["text"])


def test_noise_comes_from_seed_and_epoch_alone() -> None:
    def passes(seed: int, start: int, count: int) -> list[torch.Tensor]:
        source = NoisyBatches(batches(dim=20), {"text": 0.5}, seed)
        source.set_epoch(start)
        torch.manual_seed(start)  # the global generator plays no part
        return [collected(source)["text"] for _ in range(count)]

    first, second = passes(1, 0, 2)
    assert torch.equal(passes(1, 1, 1)[0], second)
    assert not torch.equal(first.sort(0)[0], second.sort(0)[0])
    assert not torch.equal(passes(2, 0, 1)[0], first)


def test_the_staged_rows_stay_clean() -> None:
    source = batches()
    before = {name: column.clone() for name, column in source.whole().items()}
    noisy = NoisyBatches(source, {"text": 0.5, "image": 0.5}, 1)
    collected(noisy)
    assert len(noisy) == len(source) and noisy.n_pairs == source.n_pairs
    assert all(torch.equal(column, noisy.whole()[name]) for name, column in before.items())


def test_noise_on_a_row_of_zeros_is_none() -> None:
    assert torch.equal(with_noise(torch.zeros(2, 5), 0.5), torch.zeros(2, 5))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"beginnings": 1.5}, r"augmentation.beginnings=1.5 must lie in \[0, 1\]"),
        ({"word_dropout": 1.0}, r"word_dropout=1.0 must lie in \[0, 1\)"),
        ({"copies": 0}, "copies=0 must be at least 1"),
        ({"text_noise": -0.1}, "text_noise=-0.1 must not be negative"),
        ({"image_noise": float("nan")}, "image_noise=nan"),
    ],
)
def test_values_out_of_range_are_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Augmentation(**setting)


def few_and_wide(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of which 3 of 203 dimensions tell the face, and faces."""
    rng = np.random.default_rng(seed)
    hidden, weights = rng.normal(size=(rows, 3)), np.random.default_rng(9).normal(size=(3, 52))
    text = np.concatenate([hidden, rng.normal(size=(rows, 200))], axis=1).astype(np.float32)
    return text, (1 / (1 + np.exp(-hidden @ weights))).astype(np.float32)


def held_out_error(share: float) -> float:
    torch.manual_seed(0)
    (text, face), held = few_and_wide(80, 0), few_and_wide(400, 1)
    pairs = np.arange(80).repeat(2).reshape(-1, 2)
    source = TensorBatches(text, None, face, face[:, :8], pairs, 40, True, 1)
    head = MLPHead(203, (64,))
    optimizer = torch.optim.Adam(head.parameters(), 3e-3)
    for _ in range(60):
        for batch in Augmentation(text_noise=share).batches(source, 1):
            loss = (head(batch["text"]) - batch["blendshapes"]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return float((head(torch.from_numpy(held[0])) - torch.from_numpy(held[1])).square().mean())


def test_noise_helps_where_samples_are_few_and_embeddings_wide() -> None:
    assert held_out_error(1.0) < 0.85 * held_out_error(0.0)
