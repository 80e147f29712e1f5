from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from emo3d_exp.tracking import SampleFaces
from emo3d_exp.tracking.samples import name_emotions, spread


@pytest.mark.parametrize(("count", "limit"), [(0, 4), (1, 4), (4, 4), (250, 64), (65, 64), (7, 1), (7, 0)])
def test_spread_is_even_and_ascending(count: int, limit: int) -> None:
    rows = spread(count, limit)
    assert rows.dtype == np.int64
    assert len(rows) == min(count, limit)
    assert (np.diff(rows) >= 1).all()
    if limit > 1 and count > 1:
        assert rows[0] == 0
        assert rows[-1] == count - 1
        assert np.ptp(np.diff(rows)) <= 1


def test_select_keeps_rows_together(samples: SampleFaces) -> None:
    chosen = samples.select(np.array([7, 2]))
    assert chosen.text == ("prompt number 7", "prompt number 2")
    assert chosen.sample_id.tolist() == [107, 102]
    assert chosen.mse.tolist() == samples.mse[[7, 2]].tolist()
    assert chosen.prediction[:, 0, 0, 0].tolist() == [107, 102]


def test_fields_of_different_length_are_refused(samples: SampleFaces) -> None:
    with pytest.raises(ValueError, match=r"'mse': 9"):
        replace(samples, mse=samples.mse[:9])


def test_emotions_are_named_strongest_first() -> None:
    intensities = np.array([0, 0, 0.05, 0.3, 0.8, 0, 0, 0])
    assert name_emotions(intensities) == "anger 0.80, sadness 0.30, surprise 0.05"


def test_import_is_cheap() -> None:
    heavy = "{'wandb', 'torch', 'pytorch_lightning', 'pandas', 'pygltflib'}"
    code = f"import sys, emo3d_exp.tracking; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
