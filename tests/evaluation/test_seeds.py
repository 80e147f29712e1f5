"""Runs that differ by their seed alone become one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from emo3d_exp.evaluation.leaderboard import read_leaderboard
from emo3d_exp.evaluation.seeds import behind, print_systems, rows, systems, write_markdown

PROVENANCE = {"data": "mini", "split": "test", "seed": 0, "judge": {"name": "j"}, "k": 10}


def run(folder: Path, system: str, seed: int, emo3d: list[float], **config: Any) -> Path:
    """A run folder as far as a leaderboard reads it; MSE is a tenth of Emo3D."""
    report = folder / "evaluation" / "test"
    report.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"name": system}, "seed": seed, **config}))
    (folder / "model.json").write_text(json.dumps({"parameters": 1234, "train_seconds": 10.0 + seed}))
    mean = float(np.mean(emo3d))
    content = {
        "schema": 2,
        "metrics": {"mse": mean / 10, "emo3d": mean},
        "references": {"ground_truth": {"mse": 0.0, "emo3d": 0.55}},
        "provenance": {**PROVENANCE, "system": system},
    }
    (report / "metrics.json").write_text(json.dumps(content))
    ids = np.arange(len(emo3d))
    table = pd.DataFrame({"sample_id": ids, "text_number": 1, "emo3d": emo3d, "mse": np.array(emo3d) / 10})
    table.to_parquet(report / "per_sample.parquet")
    return report / "metrics.json"


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    return [
        run(tmp_path / "a1", "good", 1, [0.6, 0.7, 0.6]),
        run(tmp_path / "a2", "good", 2, [0.7, 0.6, 0.5]),
        run(tmp_path / "a3", "good", 3, [0.5, 0.5, 0.7]),
        run(tmp_path / "b1", "bad", 1, [0.8, 0.9, 0.7]),
        run(tmp_path / "b2", "bad", 2, [0.9, 0.9, 0.8]),
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


def test_the_difference_is_that_of_the_mean_over_seeds_prompt_by_prompt(reports: list[Path]) -> None:
    good, bad = systems(read_leaderboard(reports))
    difference = np.mean([0.85, 0.9, 0.75]) - np.mean([0.6, 0.6, 0.6])
    assert behind(good, good) == ""
    assert behind(bad, good).startswith(f"{difference:+.3f} [".replace("0.", "."))


def test_other_settings_are_another_system(reports: list[Path], tmp_path: Path) -> None:
    other = run(tmp_path / "c1", "good", 1, [0.6, 0.7, 0.65], loss={"weight": 2.0})
    found = systems(read_leaderboard([*reports, other]))
    assert sorted(len(system.runs) for system in found) == [1, 2, 3]
    assert len({system.name for system in found}) == 3, "two systems of one name are told apart"


def test_the_table_and_its_markdown(
    reports: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    board = read_leaderboard(reports)
    headings, lines = rows(board)
    assert headings[1:5] == ["system", "seeds", "MSE ↓", "Emo3D ↓"]
    assert [line[1] for line in lines] == ["good", "bad", "ground truth"]
    assert lines[0][4] == ".600 ± .033"
    assert lines[2][4] == ".550"
    text = write_markdown(board, tmp_path / "systems.md").read_text(encoding="utf-8")
    assert text.startswith("| system | seeds | MSE ↓ | Emo3D ↓ |")
    assert "| good | 3 | .0600 ± .0033 | .600 ± .033 |" in text
    print_systems(board)
    assert "1,234" in capsys.readouterr().out


def test_a_result_without_a_run_is_a_system_of_its_own(reports: list[Path], tmp_path: Path) -> None:
    lone = run(tmp_path / "lone", "good", 1, [0.6, 0.6, 0.6])
    (tmp_path / "lone" / "config.yaml").unlink()
    assert len(systems(read_leaderboard([*reports, lone]))) == 3
