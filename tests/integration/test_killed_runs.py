"""A small version of benchmarks/soak_runs.py: tasks that are killed at random moments and given again."""

import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from killed_tasks import TASKS
from soak_runs import campaign

REST = [name for name in TASKS if name != "training"]


@pytest.mark.parametrize("name", ["training", *(pytest.param(name, marks=pytest.mark.slow) for name in REST)])
def test_what_is_killed_ends_as_if_it_had_not_been(name: str, tmp_path: Path) -> None:
    seen = campaign(TASKS[name](tmp_path / name), 2, random.Random(3))
    assert seen.kills >= 2 and seen.starts > seen.kills
    assert seen.passed, seen
