import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from toy_stages import Draws, Numbers

from emo3d_exp.dataset_builder import RowStore, plan_stages, run_stages
from emo3d_exp.dataset_builder.parameter_changes import told_changes
from emo3d_exp.errors import ConfigError, DataError

REPOSITORY = Path(__file__).parents[2]


def _rows(build, stage, *columns):
    rows = sorted(RowStore(build, stage).rows(columns), key=lambda row: row["sample_id"])
    return [tuple(row[c] for c in ("sample_id", *columns)) for row in rows]


def test_stages_read_each_other_and_write_manifests(tmp_path):
    manifests = run_stages(tmp_path, [Numbers(), Draws()], progress=False)
    assert _rows(tmp_path, "numbers", "value") == [(i, 3 * i) for i in range(22)]
    draws = _rows(tmp_path, "draws", "draw")
    assert all(3 * i <= draw < 3 * i + 1 for i, draw in draws) and len(draws) == 22
    stored = json.loads((tmp_path / "draws" / "manifest.json").read_text())
    assert stored == manifests["draws"]
    assert stored["complete"] and stored["rows"] == 22 and stored["shards"] == 8
    numbers = manifests["numbers"]
    assert stored["inputs"] == {"numbers": f"{numbers['content_hash']}-{numbers['places_hash']}"}
    assert manifests["numbers"]["parameters"] == {"factor": 3}


def test_lost_shards_are_made_again_alike_and_nothing_else(tmp_path):
    before = run_stages(tmp_path, [Numbers(), Draws()], progress=False)["draws"]
    kept = (tmp_path / "draws" / "00000.parquet").stat().st_mtime_ns
    for lost in ("00002.parquet", "00005.parquet", "manifest.json"):
        (tmp_path / "draws" / lost).unlink()
    half = tmp_path / "draws" / ".00002.abc.partial.parquet"
    half.write_bytes(b"half a shard")
    after = run_stages(tmp_path, [Numbers(), Draws()], progress=False)["draws"]
    assert after | {"begun": ""} == before | {"begun": ""} and not half.exists()
    assert (tmp_path / "draws" / "00000.parquet").stat().st_mtime_ns == kept


def test_more_input_rows_are_appended(tmp_path):
    run_stages(tmp_path, [Numbers(5), Draws()], progress=False)
    first = _rows(tmp_path, "draws", "draw")
    (tmp_path / "numbers" / "manifest.json").unlink()
    run_stages(tmp_path, [Numbers(9), Draws()], progress=False)
    assert len(_rows(tmp_path, "draws", "draw")) == 9
    assert _rows(tmp_path, "draws", "draw")[:5] == first


def test_two_processes_give_the_same_rows(tmp_path):
    run_stages(tmp_path / "one", [Numbers(), Draws()], progress=False)
    run_stages(tmp_path / "two", [Numbers(), Draws(processes=2, seconds=0.05)], progress=False)
    assert _rows(tmp_path / "one", "draws", "draw") == _rows(tmp_path / "two", "draws", "draw")
    workers = {process for _, process in _rows(tmp_path / "two", "draws", "process")}
    assert os.getpid() not in workers


def test_other_parameters_are_refused(tmp_path):
    run_stages(tmp_path, [Numbers()], progress=False)
    with pytest.raises(ConfigError, match=r"other parameters \(factor: 3 → 4\)"):
        run_stages(tmp_path, [Numbers(factor=4)], progress=False)


def test_subsets_of_stages(tmp_path):
    stages = [Numbers(), Draws()]
    with pytest.raises(ConfigError, match="choose from numbers, draws"):
        run_stages(tmp_path, stages, ["number"], progress=False)
    with pytest.raises(DataError, match="reads stage numbers, which is not complete"):
        run_stages(tmp_path, stages, ["draws"], progress=False)
    assert list(run_stages(tmp_path, stages, ["numbers"], progress=False)) == ["numbers"]
    assert list(run_stages(tmp_path, stages, ["draws"], progress=False)) == ["draws"]


def test_a_damaged_shard_is_named(tmp_path):
    run_stages(tmp_path, [Numbers()], progress=False)
    (tmp_path / "numbers" / "00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"00001\.parquet is damaged"):
        run_stages(tmp_path, [Numbers(), Draws()], progress=False)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-20]), r"\d+ bytes, not \d+"),
        (lambda file: file.write_bytes(file.read_bytes()[:-8] + b"\xff" * 8), "magic bytes"),
        (lambda file: file.write_bytes(bytes(len(file.read_bytes()))), "magic bytes"),
        (lambda file: pq.write_table(pq.read_table(file)[:2], file), "not "),
    ],
)
def test_a_complete_stage_is_looked_over_without_reading_it_all(tmp_path, harm, told):
    whole = run_stages(tmp_path, [Numbers(), Draws()], progress=False)["draws"]
    shard = tmp_path / "draws" / "00002.parquet"
    harm(shard)
    with pytest.raises(DataError, match=rf"draws/00002\.parquet is damaged.*{told}.*delete it"):
        run_stages(tmp_path, [Numbers(), Draws()], progress=False)
    (planned,) = [each for each in plan_stages(tmp_path, [Numbers(), Draws()]) if each.stage == "draws"]
    assert "00002.parquet is damaged" in planned.refused
    shard.unlink()
    log = tmp_path / "processed"
    assert run_stages(tmp_path, [Numbers(), Draws(log=str(log))], progress=False)["draws"] == whole
    assert log.read_text().split() == ["6", "7", "8"]


def test_all_damaged_shards_are_named_at_once(tmp_path):
    run_stages(tmp_path, [Numbers()], progress=False)
    for number in (1, 3):
        (tmp_path / "numbers" / f"0000{number}.parquet").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"00001\.parquet is damaged.*delete it, and 00003\.parquet beside it"
    ):
        run_stages(tmp_path, [Numbers()], progress=False)


def test_a_rewritten_shard_of_another_row_count_is_told(tmp_path):
    run_stages(tmp_path, [Numbers()], progress=False)
    facts = RowStore(tmp_path, "numbers").shard_facts()
    assert [each["rows"] for each in facts.values()] == [4, 4, 4, 4, 4, 2]
    facts["00001.parquet"]["rows"] = 5
    with pytest.raises(DataError, match="4 rows, not 5"):
        RowStore(tmp_path, "numbers").check_shards(facts)


def test_a_manifest_of_an_older_version_is_still_read(tmp_path):
    run_stages(tmp_path, [Numbers()], progress=False)
    file = tmp_path / "numbers" / "manifest.json"
    old = {key: value for key, value in json.loads(file.read_text()).items() if key != "files"}
    file.write_text(json.dumps(old))
    assert run_stages(tmp_path, [Numbers()], progress=False)["numbers"] == old
    (tmp_path / "numbers" / "00001.parquet").unlink()
    again = run_stages(tmp_path, [Numbers()], progress=False)["numbers"]
    assert again["content_hash"] == old["content_hash"] and len(again["files"]) == 6


def test_only_what_differs_is_told():
    template = "You are " + "very " * 300
    before = {"size": 64, "model": {"name": "a", "seed": 1}, "template": template + "kind.", "gone": [1, 2]}
    now = {"size": 64, "model": {"name": "b", "seed": 1}, "template": template + "cross.", "new": None}
    told = told_changes(before, now)
    assert told.startswith('gone: [1, 2] → not set, model.name: "a" → "b", new: not set → null, template: ')
    assert "kind." in told and "cross." in told and "seed" not in told and "size" not in told
    assert len(told) < 250 and told_changes(before, dict(before)) == ""
    many = told_changes({}, {f"key{n}": n for n in range(20)})
    assert many.endswith("and 12 more")


def test_a_killed_build_goes_on(tmp_path):
    log = tmp_path / "processed"
    command = [
        sys.executable,
        str(Path(__file__).with_name("toy_stages.py")),
        str(tmp_path / "build"),
        str(log),
    ]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "build" / "draws").glob("0*.parquet"))) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {sample for (sample,) in _rows(tmp_path / "build", "draws")}
    assert 0 < len(done) < 22
    time.sleep(0.7)
    subprocess.run(command, env=environment, check=True)
    run_stages(tmp_path / "whole", [Numbers(), Draws()], progress=False)
    assert _rows(tmp_path / "build", "draws", "draw") == _rows(tmp_path / "whole", "draws", "draw")
    times = Counter(map(int, log.read_text().split()))
    assert all(times[sample] == 1 for sample in done)
