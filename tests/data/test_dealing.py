"""Batches that several processes share: each row once, each step whole."""

import numpy as np
import pytest
import torch

from emo3d_exp.data import TensorBatches, TokenBatches
from emo3d_exp.data.dealing import Dealing
from emo3d_exp.errors import ConfigError


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_every_row_goes_to_one_process(count, processes):
    seats = [Dealing(processes, rank) for rank in range(processes)]
    counted = [row for seat in seats for row in range(count)[seat.rows(count)][: seat.own(count)]]
    assert counted == list(range(count))
    assert all(range(count)[seat.rows(count)] for seat in seats), "a process without a row would hang"
    assert max(seat.own(count) for seat in seats) - min(seat.own(count) for seat in seats) <= 1


def test_a_step_is_made_of_its_batches_ragged_ones_too():
    first = Dealing(2, 0, accumulated=2).shares([4, 4, 4, 1])
    second = Dealing(2, 1, accumulated=2).shares([4, 4, 4, 1])
    assert [share.step for share in first] == [8, 8, 5, 5]
    assert [one.own + other.own for one, other in zip(first, second, strict=True)] == [4, 4, 4, 1]
    assert {share.parts for share in first} == {4}
    assert sum(share.own / share.step for share in first + second) == pytest.approx(2)


def test_pictures_are_counted_over_the_step():
    pictures = [np.array([True, False, True]), np.array([False, True])]
    shares = Dealing(2, 1, accumulated=2).shares([3, 2], pictures)
    assert [(share.own, share.own_pictures) for share in shares] == [(2, 1), (1, 1)]
    assert {share.step_pictures for share in shares} == {3}


def made(corpus, **settings):
    text = np.arange(24, dtype="f")[:, None].repeat(2, 1)
    image = np.ones((len(corpus.image), 2), "f")
    image[1] = np.nan
    emotions = corpus.emotions[corpus.text_sample]
    return TensorBatches(text, image, corpus.blendshapes, emotions, corpus.pairs(), 5, True, 3, **settings)


@pytest.mark.parametrize("gather_bytes", [0, 1 << 30])
def test_the_parts_of_a_batch_are_the_batch(corpus, gather_bytes):
    whole = list(made(corpus, gather_bytes=gather_bytes))
    parts = [list(made(corpus, gather_bytes=gather_bytes, dealing=Dealing(3, rank))) for rank in range(3)]
    for batch, *shared in zip(whole, *parts, strict=True):
        own = [{n: v[: p["share"].own] for n, v in p.items() if n != "share"} for p in shared]
        for name, values in batch.items():
            assert torch.equal(torch.cat([part[name] for part in own]), values), name
        pictures = int(batch["has_image"].sum())
        assert sum(part["share"].own_pictures for part in shared) == pictures
        assert {part["share"].step_pictures for part in shared} == {pictures}
    assert "share" not in whole[0]


def test_tokens_are_padded_as_for_one_process(corpus):
    from emo3d_exp.backbones.tokens import TokenRows

    texts = [[7] * (1 + row % 9) for row in range(24)]
    tokens = TokenRows(texts, np.arange(24), pad=0)
    emotions = corpus.emotions[corpus.text_sample]

    def batches(dealing):
        made = TokenBatches(tokens, corpus.blendshapes, emotions, corpus.pairs(), 5, True, 3, dealing=dealing)
        return list(made)

    for batch, *shared in zip(batches(None), *(batches(Dealing(2, rank)) for rank in (0, 1)), strict=True):
        for name, values in batch["tokens"].items():
            parts = [part["tokens"][name][: part["share"].own] for part in shared]
            assert torch.equal(torch.cat(parts), values)


def test_places_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="process 2 of 2"):
        Dealing(2, 2)
    with pytest.raises(ConfigError, match="accumulate_grad_batches=0"):
        Dealing(accumulated=0)
