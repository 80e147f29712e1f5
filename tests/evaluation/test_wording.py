"""One prediction belongs, two belong."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from evaluation_fakes import make_prompts, take
from test_evaluator import MEAN_FACE, make_evaluator, noisy

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import match
from emo3d_exp.evaluation.wording import counted


def test_one_is_singular_none_and_several_are_plural() -> None:
    assert [counted(number, "face") for number in (0, 1, 2)] == ["0 faces", "1 face", "2 faces"]
    assert [counted(number, "face has", "faces have") for number in (1, 2)] == ["1 face has", "2 faces have"]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (1, "1 prediction belongs to none of the 7 prompts"),
        (2, "2 predictions belong to none of the 6 prompts"),
    ],
)
def test_predictions_that_nobody_asked_for(extra: int, told: str, caplog: pytest.LogCaptureFixture) -> None:
    prompts = make_prompts(8)
    asked = take(prompts, np.arange(len(prompts) - extra))
    with caplog.at_level(logging.INFO):
        make_evaluator(judge=None).evaluate(noisy(prompts), asked, None, MEAN_FACE)
    assert told in caplog.messages


@pytest.mark.parametrize(
    ("missing", "told"), [(1, "1 of 8 prompts has none"), (3, "3 of 8 prompts have none")]
)
def test_prompts_without_a_prediction(missing: int, told: str) -> None:
    prompts = make_prompts(8)
    with pytest.raises(DataError, match=told):
        match(noisy(take(prompts, np.arange(len(prompts) - missing))), prompts)
