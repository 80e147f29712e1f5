"""Runs of one search are judged by what it improves."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from compared_runs import make_run, make_wandb_file
from rich.console import Console

from emo3d_exp.comparison import Comparison, compare, filtered, print_comparison, read_runs
from emo3d_exp.comparison.page import comparison_page
from emo3d_exp.comparison.text import markdown


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> None:
    """No test sees what another one has read."""


@pytest.fixture
def search(tmp_path: Path) -> Path:
    """Trials whose validation error falls as their score gets worse."""
    folder = tmp_path / "search"
    for number in range(3):
        trial = folder / f"trial_{number:04d}"
        make_run(trial, 0.6 + number / 10, [0.03 - number / 100], seed=number, figures={"r_at_10": number})
        (trial / "trial.json").write_text(json.dumps({"number": number, "reported": "val/mse"}))
    return folder


def results(search: Path, objective: str, **sweeper: Any) -> None:
    """What a search leaves: its results, and Hydra's settings of the sweep."""
    told = {"name": "optuna", "objective": objective, "best_value": 0.1}
    (search / "optimization_results.yaml").write_text(yaml.safe_dump(told))
    asked = {"hydra": {"sweeper": {"objective": objective, **sweeper}}}
    (search / "multirun.yaml").write_text(yaml.safe_dump(asked))


def found(folder: Path, **asked: Any) -> Comparison:
    return compare(*read_runs([str(folder)]), **asked)


def order(comparison: Comparison) -> list[int]:
    return [int(str(run.config["seed"])) for run in comparison.runs]


def test_the_objective_judges_and_the_output_says_so(search: Path) -> None:
    results(search, "val/mse", direction="minimize")
    judged = found(search)
    assert (judged.metric, judged.higher, order(judged)) == ("val/mse", False, [2, 1, 0])
    console = Console(file=io.StringIO(), width=160)
    print_comparison(judged, None, console)
    told = "3 runs, 3 finished; judged by val/mse, which their search improves"
    assert told in console.file.getvalue()  # type: ignore[attr-defined]
    assert told in markdown(judged, None)
    assert "one search, which improves val/mse" in comparison_page(judged)


@pytest.mark.parametrize(
    ("objective", "direction", "higher"),
    [
        ("test/r_at_10", "maximize", True),
        ("test/r_at_10", None, True),
        ("test/mse", None, False),
        ("test/mse", "maximize", True),
        ("parameters", "nonsense", False),
    ],
)
def test_the_direction_is_the_study_s(
    search: Path, objective: str, direction: str | None, higher: bool
) -> None:
    results(search, objective, **({"direction": direction} if direction else {}))
    judged = found(search)
    assert (judged.metric, judged.higher) == (objective, higher)
    assert order(judged)[0] == (2 if higher else 0)


def test_what_the_user_asks_for_counts_more(search: Path) -> None:
    results(search, "val/mse")
    for asked in ({"sort": "test/mse"}, {"metric": "test/mse"}):
        judged = found(search, **asked)
        assert (judged.metric, judged.searched, order(judged)) == ("test/mse", False, [0, 1, 2])
    by_key = found(search, sort="-seed")
    assert (by_key.metric, order(by_key)) == ("val/mse", [2, 1, 0])


def test_until_its_end_a_search_is_judged_by_what_trials_report(search: Path) -> None:
    assert (found(search).metric, found(search).searched) == ("val/mse", True)
    for damaged in ("{", "[1]", "objective: [1]", "name: optuna"):
        (search / "optimization_results.yaml").write_text(damaged)
        assert found(search).metric == "val/mse"
    results(search, "test/r_at_10", direction="maximize")
    (search / "optimization_results.yaml").unlink()
    assert (found(search).metric, found(search).higher) == ("val/mse", False)
    (search / "trial_0001" / "trial.json").write_text("{")
    assert found(search).metric == "test/emo3d"


def test_other_runs_than_those_of_one_search_are_judged_as_ever(search: Path) -> None:
    results(search, "val/mse")
    make_run(search.parent / "alone", seed=7)
    judged = found(search.parent)
    assert (judged.metric, judged.searched) == ("test/emo3d", False)
    assert compare(filtered(read_runs([str(search.parent)])[0], "seed < 7")).metric == "val/mse"


def test_the_trials_of_two_searches_are_judged_as_ever(search: Path) -> None:
    shutil.copytree(search, search.parent / "another")
    for config in search.parent.glob("another/*/config.yaml"):
        config.write_text(config.read_text().replace("lr: 0.001", "lr: 0.002"))
    judged = found(search.parent)
    assert (len(judged.runs), judged.metric) == (6, "test/emo3d")


def test_an_objective_that_no_run_has_judges_nothing(search: Path) -> None:
    results(search, "test/other")
    assert (found(search).metric, found(search).searched) == ("test/emo3d", False)


def test_a_trial_of_which_wandb_s_file_is_left_is_one_of_the_search(search: Path) -> None:
    results(search, "val/mse")
    part = search / "trial_0003" / "wandb" / "offline-run-20260131_120000-abcd1234"
    make_wandb_file(part, exit_code=None, seed=3)
    assert found(search).metric == "val/mse" and len(found(search).runs) == 4
