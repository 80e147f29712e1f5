"""``evaluate.py prompts=FILE`` lists what a system has to answer, and replaces nothing of the user's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from emo3d_exp.app.evaluate import list_prompts
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import Prompts

TEXTS = {"test": ("a wry, tired smile", 'she said "no", twice'), "val": ("pure joy",)}


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch) -> None:
    def prompts(part: str) -> Prompts:
        count = len(TEXTS[part])
        ids, emotions = np.arange(3, 3 + count), np.full((count, 8), 0.1, np.float32)
        return Prompts(
            ids, np.ones(count, np.int64), TEXTS[part], emotions, np.zeros((count, 52), np.float32)
        )

    monkeypatch.setattr("emo3d_exp.app.data.load_data", lambda cfg: SimpleNamespace(prompts=prompts))


def asked(file: Path, part: str = "test") -> None:
    list_prompts(OmegaConf.create({"prompts": str(file), "part": part}))


def test_the_list_holds_keys_and_texts_of_the_part(tmp_path: Path) -> None:
    asked(tmp_path / "new" / "prompts.csv")
    table = pd.read_csv(tmp_path / "new" / "prompts.csv")
    assert list(table.columns) == ["sample_id", "text_number", "text"]
    assert tuple(table["text"]) == TEXTS["test"]
    assert table["sample_id"].tolist() == [3, 4] and table["text_number"].tolist() == [1, 1]


def test_the_same_list_may_be_asked_for_again_but_no_other_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "prompts.csv"
    asked(file)
    kept = file.read_bytes()
    asked(file)
    for part, place in (("val", file), ("test", tmp_path)):
        with pytest.raises(ConfigError, match="is another file: give a new name"):
            asked(place, part)
    assert file.read_bytes() == kept
