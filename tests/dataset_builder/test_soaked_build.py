"""A small version of benchmarks/soak_build.py: the whole build by the command line, killed in two stages."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import soak_build

from emo3d_exp.data import load_table


@pytest.mark.slow
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_killed_build_ends_with_the_table_of_an_undisturbed_one(tmp_path, cache):
    found = soak_build.measure(tmp_path, rows=40, kills=2, faults=0.3, seed=1)
    assert found["passed"], found
    assert found["differing"] == [] and found["paid_again_beyond_in_flight"] == 0
    assert sum(found["killed_in"].values()) == 2 and sum(found["faults"].values()) > 80
    corpora = [load_table(tmp_path / build / "build") for build in ("whole", "killed")]
    assert corpora[0].fingerprint() == corpora[1].fingerprint() and len(corpora[0].sample_id) >= 30
