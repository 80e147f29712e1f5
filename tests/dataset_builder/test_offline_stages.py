"""Texts and emotions of a build without a network."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.dataset_builder import OfflineEmotions, OfflineTexts, RowStore, run_stages
from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTIONS


def rows(build, stage, *columns):
    return sorted(RowStore(build, stage).rows(columns), key=lambda row: row["sample_id"])


def test_emotions_are_near_those_the_texts_were_written_for(tmp_path):
    run_stages(tmp_path, [OfflineTexts(40), OfflineEmotions()], progress=False)
    texts = rows(tmp_path, "texts", "texts", "asked", "set_aside", "style", "prompt_type")
    rated = rows(tmp_path, "emotions", "emotions", "rater")
    assert len({row["texts"][0] for row in texts}) == 40 and all(len(row["texts"]) == 1 for row in texts)
    asked, given = (
        np.array([row[name] for row in each]) for name, each in (("asked", texts), ("emotions", rated))
    )
    assert given.shape == (40, len(EMOTIONS)) and ((given >= 0) & (given <= 1)).all()
    assert (asked.argmax(axis=1) == given.argmax(axis=1)).mean() > 0.9
    assert {row["rater"] for row in rated} == {"offline generator"}


def test_fewer_samples_are_the_beginning_of_more(tmp_path):
    for count in (10, 20):
        run_stages(tmp_path / str(count), [OfflineTexts(count, seed=3)], progress=False)
    few, many = (
        [row["texts"] for row in rows(tmp_path / str(count), "texts", "texts")] for count in (10, 20)
    )
    assert few == many[:10]


def test_more_texts_than_there_are_is_told(tmp_path):
    with pytest.raises(ConfigError, match="distinct texts; take fewer"):
        run_stages(tmp_path, [OfflineTexts(100_000)], progress=False)
