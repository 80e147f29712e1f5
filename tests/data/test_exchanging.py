"""Texts read in another form now and then."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.backbones.tokens import TokenRows
from emo3d_exp.data import TensorBatches, TokenBatches
from emo3d_exp.records import Exchange

TEXTS, FACES = 60, 40
PAIRS = np.stack([np.arange(TEXTS), np.arange(TEXTS) % FACES], axis=1)
OTHER = np.where(np.arange(TEXTS) % 3 == 0, TEXTS + np.arange(TEXTS) // 3, -1)
"""Every third text has another form; the forms stand behind the texts."""
ROWS = TEXTS + TEXTS // 3


def tensors(share: float, shuffle: bool = True, gather_bytes: int = 1 << 20) -> TensorBatches:
    """The text's embedding is its row, the face's first score the row of the face."""
    text = np.arange(ROWS, dtype=np.float32)[:, None]
    faces = np.repeat(np.arange(FACES, dtype=np.float32)[:, None], 52, axis=1)
    emotions = np.zeros((ROWS, 8), dtype=np.float32)
    return TensorBatches(
        text, None, faces, emotions, PAIRS, 16, shuffle, 5, Exchange(OTHER, share), gather_bytes
    )


def tokens(share: float, shuffle: bool = True) -> TokenBatches:
    """The text's only token is its row."""
    rows = TokenRows([[row] for row in range(ROWS)], np.arange(ROWS), pad=0)
    faces = np.repeat(np.arange(FACES, dtype=np.float32)[:, None], 52, axis=1)
    emotions = np.zeros((ROWS, 8), dtype=np.float32)
    return TokenBatches(rows, faces, emotions, PAIRS, 16, shuffle, 5, Exchange(OTHER, share))


def seen(batches: TensorBatches | TokenBatches) -> list[tuple[int, int]]:
    """(text, face) of an epoch, in order."""
    found = []
    for batch in batches:
        text = batch["text"] if "text" in batch else batch["tokens"]["input_ids"]
        found += zip(text[:, 0].int().tolist(), batch["blendshapes"][:, 0].int().tolist(), strict=True)
    return found


@pytest.mark.parametrize("make", [tensors, tokens])
def test_the_other_form_takes_the_place_of_the_text_with_its_face(make) -> None:
    always = seen(make(1.0))
    wanted = [(OTHER[text] if OTHER[text] >= 0 else text, face) for text, face in PAIRS.tolist()]
    assert sorted(always) == sorted(wanted)
    assert len(make(1.0)) == 4 and make(1.0).n_pairs == TEXTS
    assert sorted(seen(make(0.0))) == sorted(map(tuple, PAIRS.tolist()))


@pytest.mark.parametrize("make", [tensors, tokens])
def test_it_is_read_as_often_as_was_asked(make) -> None:
    batches, times = make(0.3), 200
    found = [text for _ in range(times) for text, _ in seen(batches)]
    counts = np.bincount(found, minlength=ROWS)
    forms = counts[TEXTS:]
    assert forms.mean() / times == pytest.approx(0.3, abs=0.02)
    assert forms.min() > 0, "each form is read, over the epochs"
    np.testing.assert_array_equal(counts[:TEXTS][OTHER >= 0] + forms, times)


@pytest.mark.parametrize("make", [tensors, tokens])
def test_seed_and_epoch_alone_decide(make) -> None:
    one, other = make(0.5), make(0.5)
    first, second = seen(one), seen(one)
    assert first != second
    other.set_epoch(1)
    assert seen(other) == second


def test_gathered_or_not_is_the_same() -> None:
    assert seen(tensors(0.5)) == seen(tensors(0.5, gather_bytes=0))


@pytest.mark.parametrize("make", [tensors, tokens])
def test_without_shuffling_nothing_is_exchanged(make) -> None:
    assert sorted(seen(make(1.0, shuffle=False))) == sorted(map(tuple, PAIRS.tolist()))
    assert len(tensors(1.0).whole()["text"]) == TEXTS
