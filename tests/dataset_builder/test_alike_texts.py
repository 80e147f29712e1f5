"""What stage ``copies`` says of texts much alike, against every text compared."""

from functools import cache

import numpy as np
import pytest

from emo3d_exp.data.near_copies import content_words, jaccard, words
from emo3d_exp.dataset_builder import SetAsideCopies

VIEWS = (cache(words), cache(content_words))


def notes(texts, **settings):
    rows = [{"sample_id": number, "texts": each} for number, each in enumerate(texts)]
    return [row["set_aside"] for row in SetAsideCopies(**settings).process(rows)]


def slow_notes(texts, threshold):
    """Every text compared with those of all samples before it that are kept."""
    kept, listed = [], []
    for sample, own in enumerate(texts):
        note = None
        for number, text in enumerate(own, 1):
            near = (each for each in kept if alike(each[2], text, threshold))
            place = next(near, None)
            if place is not None:
                what = "equals" if place[2].casefold() == text.casefold() else "is a near copy of"
                note = f"text {number} {what} text {place[1]} of sample {place[0]}"
                break
        listed.append(note)
        if note is None:
            kept += [(sample, number, text) for number, text in enumerate(own, 1)]
    return listed


def alike(one, other, threshold):
    if threshold is None or one.casefold() == other.casefold():
        return one.casefold() == other.casefold()
    return any(jaccard(view(one), view(other)) >= threshold for view in VIEWS)


@pytest.mark.parametrize("block", [1 << 20, 60])
@pytest.mark.parametrize("threshold", [None, 0.5, 0.7, 0.85])
def test_notes_on_texts_much_alike_are_those_of_every_text_compared(block, threshold, monkeypatch):
    monkeypatch.setattr("emo3d_exp.data.near_copies.PAIRS_AT_A_TIME", block)
    told = 0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        base = [f"Same{number}" for number in range(8)]
        texts = [[some_text(base, rng) for _ in range(rng.integers(4))] for _ in range(30)]
        listed = notes(texts, set_aside_from=threshold)
        assert listed == slow_notes(texts, threshold)
        told += sum(note is not None for note in listed)
    assert 5 < told < 55


def some_text(base, rng):
    """One text with some words changed, an empty one, or another one."""
    text = [word.lower() if rng.random() < 0.1 else word for word in base]
    for place in rng.integers(len(base), size=rng.integers(6)):
        text[place] = f"other{rng.integers(rng.choice([2, 1000]))}"
    return " ".join(text) if rng.random() < 0.95 else ""
