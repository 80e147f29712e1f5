"""The soak of ``benchmarks/soak_optuna.py``, small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna")
SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak_optuna.py"


@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_killed_once_six_trials_are_six(cache: Path, processes: str) -> None:
    asked = ["--trials", "6", "--kills", "1", "--processes", processes]
    done = subprocess.run([sys.executable, str(SOAK), *asked], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"6 trials, 1 kills, {processes} process(es), basic: 0 faults" in done.stdout
