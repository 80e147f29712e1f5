"""The prompt bank is balanced and repeatable; references are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import make_prompts, take

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation import bootstrap_interval, intervals, reference_faces, select_bank
from emo3d_exp.evaluation.bank import check_neighbours
from emo3d_exp.evaluation.references import other_samples
from emo3d_exp.vocab import EMOTIONS, dominant


def counts(bank):
    return np.bincount(dominant(bank.emotions), minlength=8).tolist()


def test_bank_is_balanced():
    assert counts(select_bank(make_prompts(160), size=80)) == [10] * 8
    assert counts(select_bank(make_prompts(160), size=43)) == [6, 6, 6, 5, 5, 5, 5, 5]


def test_what_a_rare_emotion_lacks_is_spread():
    prompts = make_prompts(160)
    label = dominant(prompts.emotions)
    keep = np.flatnonzero((label != 7) | (np.arange(160) < 24))  # three of contempt
    keep = keep[(label[keep] != 0)]  # none neutral
    assert counts(select_bank(take(prompts, keep), size=64)) == [0, 11, 10, 10, 10, 10, 10, 3]


def test_emotions_that_are_missing_are_told(caplog):
    prompts = make_prompts(160)
    bank = select_bank(take(prompts, np.flatnonzero(dominant(prompts.emotions) < 6)), size=64)
    assert bank.without() == list(EMOTIONS[6:]) == ["fear", "contempt"]
    assert "no prompt of fear, contempt: there is none to draw" in caplog.text
    caplog.clear()
    assert select_bank(prompts, size=64).without() == []
    assert not caplog.text


def test_own_prompts_that_leave_too_few_are_refused():
    prompts = make_prompts(20, texts_each=3)
    bank = select_bank(prompts, size=60)
    check_neighbours(prompts, bank, 57, exclude_self=True)
    check_neighbours(prompts, bank, 60, exclude_self=False)
    check_neighbours(make_prompts(20, first_id=1000), bank, 60, exclude_self=True)
    with pytest.raises(DataError, match=r"metric\.k=58 .* without the own prompts of sample 0 .* only 57"):
        check_neighbours(prompts, bank, 58, exclude_self=True)


def test_bank_repeats_by_seed_and_knows_its_content():
    prompts = make_prompts(160)
    one, same, other = (select_bank(prompts, 40, seed) for seed in (0, 0, 1))
    assert one.text == same.text and one.fingerprint == same.fingerprint
    assert other.fingerprint != one.fingerprint and len(set(one.text)) == 40
    assert (np.diff(one.sample_id) > 0).all()
    row = one.sample_id.tolist().index(int(one.sample_id[7]))
    at = prompts.sample_id.tolist().index(int(one.sample_id[row]))
    assert one.text[row] == prompts.text[at]
    np.testing.assert_array_equal(one.emotions[row], prompts.emotions[at])
    assert replace(one, emotions=one.emotions * 0.5).fingerprint != one.fingerprint


def test_doubled_texts_count_once_and_a_small_corpus_is_taken_whole(caplog):
    prompts = make_prompts(16)
    doubled = replace(prompts, text=(*prompts.text[:8], *prompts.text[:8]))
    assert len(select_bank(doubled, size=400)) == 8
    assert "8 prompts, not 400" in caplog.text


def test_a_bank_that_cannot_be():
    prompts = make_prompts(8)
    with pytest.raises(ConfigError, match=r"metric.bank.size=0"):
        select_bank(prompts, size=0)
    emotions = prompts.emotions.copy()
    emotions[[2, 5]] = 0
    with pytest.raises(DataError, match="no distribution, for sample_id 6, 15"):
        select_bank(replace(prompts, emotions=emotions))
    with pytest.raises(DataError, match="empty"):
        select_bank(take(prompts, np.arange(0)))


@pytest.mark.parametrize("samples", [2, 3, 50])
def test_every_sample_gets_the_face_of_another_one(samples):
    prompts = make_prompts(samples, texts_each=3)
    rows = other_samples(prompts.sample_id, seed=4)
    taken = prompts.sample_id[rows]
    assert (taken != prompts.sample_id).all()
    of_sample = {int(own): set(taken[prompts.sample_id == own].tolist()) for own in prompts.sample_id}
    assert all(len(sources) == 1 for sources in of_sample.values())
    assert sorted(source for sources in of_sample.values() for source in sources) == sorted(of_sample)
    np.testing.assert_array_equal(rows, other_samples(prompts.sample_id, seed=4))


def test_reference_faces():
    prompts, mean = make_prompts(10), np.random.default_rng(0).random(52).astype(np.float32)
    faces = reference_faces(prompts, mean)
    assert list(faces) == ["ground_truth", "mean_face", "neutral", "other_sample"]
    np.testing.assert_array_equal(faces["ground_truth"], prompts.blendshapes)
    assert (faces["mean_face"] == mean).all() and not faces["neutral"].any()
    assert (faces["other_sample"] != prompts.blendshapes).any(axis=1).all()
    assert "other_sample" not in reference_faces(make_prompts(1), mean)
    with pytest.raises(ValueError, match="52"):
        reference_faces(prompts, mean[1:])


def test_bootstrap_interval_covers_and_follows_the_groups():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(100):
        values = rng.normal(size=80)
        low, high = bootstrap_interval(values, np.arange(80), replicates=400, seed=trial)
        covered += low <= 0 <= high
    assert 88 <= covered <= 99
    values = rng.normal(size=40)
    single = bootstrap_interval(values, np.arange(40))
    repeated = bootstrap_interval(np.repeat(values, 5), np.repeat(np.arange(40), 5))
    np.testing.assert_allclose(repeated, single)  # five copies of a sample tell nothing new
    assert bootstrap_interval(np.ones(7), np.arange(7)) == (1.0, 1.0)


def test_bootstrap_interval_is_that_of_whole_samples_drawn_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=60), rng.integers(0, 17, size=60)
    _, group = np.unique(groups, return_inverse=True)
    count = group.max() + 1
    draws, means = np.random.default_rng(5), []
    for _ in range(450):
        times = draws.multinomial(count, np.full(count, 1 / count))
        means.append(np.mean(np.repeat(values, times[group])))
    expected = np.quantile(means, [0.05, 0.95])
    settings = {"level": 0.9, "replicates": 450, "seed": 5}
    held = bootstrap_interval(values, groups, **settings)
    np.testing.assert_allclose(held, expected, rtol=1e-12)
    assert bootstrap_interval(values, groups, **settings) == held  # by the draws of the first time
    monkeypatch.setattr(intervals, "MOST_HELD", 0)
    assert bootstrap_interval(values, groups, **settings) == held
