"""The example of docs/metric.md answers prompts with a file that can be scored."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from emo3d_exp.evaluation import load_predictions
from emo3d_exp.vocab import BLENDSHAPE_INDEX

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metric.md"


def test_the_page_scores_a_system_that_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(# system\.py.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    asked = {
        "sample_id": [4, 4, 9],
        "text_number": [1, 2, 1],
        "text": ["She is happy.", "Joy!", "He mourns."],
    }
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(asked).to_csv("prompts.csv", index=False)
    exec(compile(code, "system.py", "exec"), {})
    answers = load_predictions(tmp_path / "mine.csv")
    assert answers.sample_id.tolist() == [4, 4, 9] and answers.text_number.tolist() == [1, 2, 1]
    smile = answers.blendshapes[:, BLENDSHAPE_INDEX["mouthSmileLeft"]]
    assert smile.tolist() == pytest.approx([0.7, 0.7, 0.0])
