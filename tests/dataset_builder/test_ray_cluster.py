"""Stages on a Ray cluster of two machines, both of which are this one, and through the command line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from emo3d_exp.dataset_builder import LocalExecutor, RayExecutor, Stage

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [[{"sample_id": 2 * n}, {"sample_id": 2 * n + 1}] for n in range(6)]


class Squares(Stage):
    """Squares of sample ids; the first blocks take longest, and every worker notes where it runs."""

    name = "squares"

    def __init__(self, log: Path, processes: int) -> None:
        self.log, self.processes = log, processes

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("square", pa.int64())])

    def process(self, rows):
        time.sleep(1.2 / (1 + rows[0]["sample_id"]))
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {os.environ.get('RAY_RAYLET_PID')}\n")
        return [{**row, "square": row["sample_id"] ** 2} for row in rows]


@pytest.fixture
def cluster(monkeypatch):
    """Two machines of one core each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry or os.getcwd() for entry in sys.path))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # a driver on 127.0.0.1 too
    machine = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
    started = Cluster(initialize_head=True, head_node_args=machine)
    try:
        started.add_node(num_cpus=1, node_ip_address="127.0.0.1")
        started.wait_for_nodes()
        yield started
    finally:
        started.shutdown()


def test_a_cluster_works_with_its_own_cores(cluster, tmp_path):
    local = list(LocalExecutor(1).map(Squares(tmp_path / "local", 3), BLOCKS))
    for asked in (None, 8):
        log = tmp_path / f"cluster-{asked}"
        executor = RayExecutor(processes=asked, address=cluster.address)
        assert list(executor.map(Squares(log, 3), BLOCKS)) == local
        lines = [line.split() for line in log.read_text().splitlines()]
        assert len(lines) == len(BLOCKS)
        assert len({process for process, _ in lines}) == 2  # not 3, as the stage says of this machine
        assert len({machine for _, machine in lines}) == 2


def build(folder: Path, *choices: str) -> dict[str, str]:
    """Content of every stage of a small offline build by the command line."""
    command = [
        sys.executable, str(ROOT / "build_data.py"), "source=stages", f"out={folder}", *choices,
        "builder.texts.samples=12", "builder.images.size=64", "builder.images.processes=2",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "ray" not in done.stderr.casefold(), done.stderr
    stages = ("texts", "emotions", "images", "blendshapes", "assemble")
    return {
        name: json.loads((folder / name / "manifest.json").read_text())["content_hash"] for name in stages
    }


def test_the_command_line_builds_the_same_by_ray(tmp_path):
    pytest.importorskip("ray")
    assert build(tmp_path / "ray", "executor=ray") == build(tmp_path / "local")
