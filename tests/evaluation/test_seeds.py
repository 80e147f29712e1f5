"""Runs that differ by their seed alone become one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_results import make_run

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.leaderboard import read_leaderboard
from emo3d_exp.evaluation.seeds import systems, values_by_prompt
from emo3d_exp.evaluation.standings import standings


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    return [
        make_run(tmp_path / "a1", "good", 1, [0.6, 0.7, 0.6]),
        make_run(tmp_path / "a2", "good", 2, [0.7, 0.6, 0.5]),
        make_run(tmp_path / "a3", "good", 3, [0.5, 0.5, 0.7]),
        make_run(tmp_path / "b1", "bad", 1, [0.8, 0.9, 0.7]),
        make_run(tmp_path / "b2", "bad", 2, [0.9, 0.9, 0.8]),
    ]


def test_mean_and_standard_deviation_over_seeds(reports: list[Path]) -> None:
    good, bad = systems(read_leaderboard(reports))
    assert (good.name, len(good.runs), bad.name, len(bad.runs)) == ("good", 3, "bad", 2)
    means = [np.mean([0.6, 0.7, 0.6]), np.mean([0.7, 0.6, 0.5]), np.mean([0.5, 0.5, 0.7])]
    average = sum(means) / 3
    spread = (sum((m - average) ** 2 for m in means) / 2) ** 0.5
    assert good.figures()["emo3d"] == pytest.approx((average, spread))
    assert good.figures()["mse"] == pytest.approx((average / 10, spread / 10))
    assert good.figures()["train_seconds"] == pytest.approx((12.0, 1.0))
    assert good.figures()["parameters"] == (1234.0, 0.0)


def test_seeds_are_averaged_prompt_by_prompt(reports: list[Path]) -> None:
    good, bad = systems(read_leaderboard(reports))
    values = values_by_prompt(bad, ["emo3d", "mse"])
    assert values["emo3d"].tolist() == pytest.approx([0.85, 0.9, 0.75])
    assert values["mse"].tolist() == pytest.approx([0.085, 0.09, 0.075])
    bad.runs[0].path.with_name("per_sample.parquet").unlink()
    assert values_by_prompt(bad, ["mse"]) is None and values_by_prompt(good, ["mse"]) is not None


def test_a_seed_counts_once(reports: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    again = make_run(tmp_path / "a4", "good", 3, [0.9, 0.9, 0.9])
    with caplog.at_level("INFO"):
        good, _ = systems(read_leaderboard([*reports, again]))
    assert [run.seed for run in good.runs] == [1, 2, 3]
    assert good.runs[2].run == "a3" and "1 run repeats another" in caplog.text


def test_other_settings_are_another_system(reports: list[Path], tmp_path: Path) -> None:
    other = make_run(tmp_path / "c1", "good", 1, [0.6, 0.7, 0.65], loss={"weight": 2.0})
    found = systems(read_leaderboard([*reports, other]))
    assert sorted(len(system.runs) for system in found) == [1, 2, 3]
    assert len({system.name for system in found}) == 3, "two systems of one name are told apart"


def test_a_result_without_a_run_is_a_system_of_its_own(reports: list[Path], tmp_path: Path) -> None:
    lone = make_run(tmp_path / "lone", "good", 1, [0.6, 0.6, 0.6])
    (tmp_path / "lone" / "config.yaml").unlink()
    assert len(systems(read_leaderboard([*reports, lone]))) == 3


def test_a_seed_that_lacks_prompts_is_named(reports: list[Path]) -> None:
    good, bad = systems(read_leaderboard(reports))
    lame = good.runs[1].path.with_name("per_sample.parquet")
    pd.read_parquet(lame).iloc[1:].to_parquet(lame)
    with pytest.raises(DataError, match=r"2 rows for the 3 prompts of the runs of good; score a2 again"):
        values_by_prompt(good, ["mse"])
    assert len(values_by_prompt(bad, ["mse"])) == 3
    with pytest.raises(DataError, match="score a2 again"):
        standings(read_leaderboard(reports))
