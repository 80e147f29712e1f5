import os
import sys

import pytest
from toy_stages import Closing, Numbers

from emo3d_exp.dataset_builder import LocalExecutor, RayExecutor, RowStore, run_stages
from emo3d_exp.dataset_builder.executors import in_order, workers_for
from emo3d_exp.dataset_builder.ray_executor import _connected
from emo3d_exp.errors import ConfigError, DataError, Emo3DError

BLOCKS = [[{"sample_id": 2 * n, "value": n}, {"sample_id": 2 * n + 1, "value": n}] for n in range(7)]


def _values(executor, stage):
    return [row["value"] for block in executor.map(stage, BLOCKS) for row in block]


EXPECTED = [10 * (sample // 2) for sample in range(14)]


def test_blocks_are_fed_lazily_and_come_in_order():
    under_way, most = [], []

    def submit(block):
        under_way.append(block)
        most.append(len(under_way))
        return block

    def fetch(block):
        under_way.remove(block)
        return [*block, "done"]

    assert list(in_order([[n] for n in range(9)], submit, fetch, 3)) == [[n, "done"] for n in range(9)]
    assert max(most) == 3
    assert list(in_order([], submit, fetch, 3)) == []


@pytest.mark.parametrize(
    ("own", "asked", "blocks", "workers"),
    [(3, None, 9, 3), (3, 5, 9, 5), (1, 5, 9, 1), (4, None, 2, 2), (4, 8, 0, 1)],
)
def test_how_many_share_the_work(own, asked, blocks, workers):
    stage = Numbers()
    stage.processes = own
    assert workers_for(stage, asked, blocks) == workers


def test_numbers_of_processes_that_cannot_be():
    for executor in (LocalExecutor, RayExecutor):
        with pytest.raises(ConfigError, match=r"executor\.processes=0"):
            executor(processes=0)


def test_workers_close_what_they_opened(tmp_path):
    for processes in (1, 2):
        log = tmp_path / str(processes)
        assert _values(LocalExecutor(), Closing(str(log), processes)) == EXPECTED
        lines = log.read_text().split()
        assert sorted(line.split(":")[0] for line in lines) == ["close"] * processes + ["open"] * processes
        assert len({line.split(":")[1] for line in lines}) == processes
        assert (f"close:{os.getpid()}" in lines) == (processes == 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_stage_raises_arrives(tmp_path, processes):
    with pytest.raises(DataError, match="value 4 is wrong"):
        _values(LocalExecutor(), Closing(str(tmp_path / "log"), processes, wrong=4))


def test_a_worker_that_dies_is_told(tmp_path):
    with pytest.raises(Emo3DError, match="a process of stage closing died"):
        _values(LocalExecutor(), Closing(str(tmp_path / "log"), 2, dies=4))


def test_ray_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'emo3d_exp\[ray\]'"):
        _values(RayExecutor(), Closing(str(tmp_path / "log"), 2))


@pytest.mark.enable_socket
@pytest.mark.slow
def test_ray_actors_give_the_same_rows_close_and_leave(tmp_path, capfd):
    ray = pytest.importorskip("ray")
    log = tmp_path / "log"
    assert _values(RayExecutor(), Closing(str(log), 2)) == EXPECTED
    lines = log.read_text().split()
    assert sorted(line.split(":")[0] for line in lines) == ["close", "close", "open", "open"]
    assert f"close:{os.getpid()}" not in lines and not ray.is_initialized()
    assert "".join(capfd.readouterr()) == ""
    with pytest.raises(DataError, match=r"^value 4 is wrong$"):
        _values(RayExecutor(), Closing(str(tmp_path / "raises"), 2, wrong=4))
    with pytest.raises(Emo3DError, match="a Ray actor of stage closing died"):
        _values(RayExecutor(), Closing(str(tmp_path / "dies"), 2, dies=4))
    with _connected(None, 1):
        assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0" and not ray.is_initialized()


@pytest.mark.enable_socket
def test_a_cluster_that_is_not_there(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match=r"executor\.address=127\.0\.0\.1:1: no Ray cluster"):
        _values(RayExecutor(address="127.0.0.1:1"), Closing(str(tmp_path / "log"), 2))


def test_the_hash_of_rows_does_not_depend_on_their_shards(tmp_path):
    for folder, size in (("a", 4), ("b", 7)):
        stage = Numbers(12)
        stage.shard_rows = size
        run_stages(tmp_path / folder, [stage], progress=False)
    assert (
        RowStore(tmp_path / "a", "numbers").content_hash()
        == RowStore(tmp_path / "b", "numbers").content_hash()
    )
    other = Numbers(12, factor=4)
    run_stages(tmp_path / "c", [other], progress=False)
    assert (
        RowStore(tmp_path / "c", "numbers").content_hash()
        != RowStore(tmp_path / "a", "numbers").content_hash()
    )
