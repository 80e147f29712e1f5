"""Builds that are limited, that set samples aside, and that are planned beforehand."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from toy_stages import Numbers, Picky, Total

from emo3d_exp.dataset_builder import RowStore, plan_stages, run_stages
from emo3d_exp.errors import ConfigError, DataError


def ids(build, stage):
    return sorted(RowStore(build, stage).sample_ids())


def built(build, *stages, **settings):
    return run_stages(build, stages or (Numbers(), Picky(), Total()), progress=False, **settings)


def test_a_sample_that_was_set_aside_goes_no_further(tmp_path):
    manifests = built(tmp_path)
    assert ids(tmp_path, "picky") == list(range(22))
    assert manifests["picky"]["set_aside"] == 8
    assert (manifests["picky"]["calls"], manifests["picky"]["cost"]) == (44, pytest.approx(4.4))
    kept = [i for i in range(22) if i % 3]
    assert ids(tmp_path, "total") == kept
    sums = {row["sum"] for row in RowStore(tmp_path, "total").rows(("sum",))}
    assert sums == {3 * sum(kept)} and manifests["total"]["complete"]
    assert "set_aside" not in manifests["numbers"] and "calls" not in manifests["numbers"]


def test_what_was_set_aside_is_tried_again_when_asked(tmp_path):
    built(tmp_path)
    again = built(tmp_path, Numbers(), Picky(lenient=True), Total())
    assert again["picky"]["set_aside"] == 8  # it is complete: nothing is done
    again = built(tmp_path, Numbers(), Picky(lenient=True), Total(), retry=True)
    assert "set_aside" not in again["picky"] and ids(tmp_path, "picky") == list(range(22))
    assert ids(tmp_path, "total") == list(range(22))
    assert {row["sum"] for row in RowStore(tmp_path, "total").rows(("sum",))} == {3 * sum(range(22))}


def test_other_rows_keep_their_places_when_some_are_tried_again(tmp_path):
    """Pictures are found by the place of their row."""

    def places():
        rows = RowStore(tmp_path, "picky").rows(("set_aside",))
        return {row["sample_id"]: (row["shard"], row["row"]) for row in rows if row["set_aside"] is None}

    built(tmp_path)
    before, hashed = places(), RowStore(tmp_path, "picky").content_hash()
    built(tmp_path, retry=True)  # they fail as before
    assert places() == before and ids(tmp_path, "picky") == list(range(22))
    assert RowStore(tmp_path, "picky").content_hash() == hashed
    built(tmp_path, Numbers(), Picky(lenient=True), Total(), retry=True)
    after = places()
    assert {sample: after[sample] for sample in before} == before and len(after) == 22
    for sample, (shard, row) in after.items():
        stored = pq.read_table(tmp_path / shard).to_pylist()[row]
        assert (stored["sample_id"], stored["kept"]) == (sample, 3 * sample)


def test_a_shard_that_was_deleted_is_made_again(tmp_path):
    whole = built(tmp_path)
    (tmp_path / "picky" / "00001.parquet").unlink()
    again = built(tmp_path)
    assert ids(tmp_path, "picky") == list(range(22))
    assert again["total"]["content_hash"] == whole["total"]["content_hash"]
    (tmp_path / "picky" / "00000.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match=r"00000\.parquet is damaged"):
        built(tmp_path, retry=True)


def test_a_plan_goes_by_the_stage_with_rows_to_come(tmp_path):
    built(tmp_path, Numbers())
    run_stages(tmp_path, [Numbers(), Picky()], ["picky"], progress=False, limit=8)
    *_, total = plan_stages(tmp_path, (Numbers(), Picky(), Total()))
    assert (total.rows, total.done) == (22, 0)


def test_a_limited_build_is_gone_on_with(tmp_path):
    part = built(tmp_path, limit=7)
    assert ids(tmp_path, "numbers") == list(range(7)) and ids(tmp_path, "total") == [1, 2, 4, 5]
    assert not any(manifest["complete"] for manifest in part.values())
    with pytest.raises(DataError, match="numbers, which is not complete"):
        built(tmp_path, only=["picky"])
    more = built(tmp_path, only=["picky"], limit=5)
    assert more["picky"]["rows"] == 7 and not more["picky"]["complete"]
    whole = built(tmp_path)
    assert all(manifest["complete"] for manifest in whole.values())
    assert {row["sum"] for row in RowStore(tmp_path, "total").rows(("sum",))} == {
        3 * sum(i for i in range(22) if i % 3)
    }
    straight = built(tmp_path / "straight")
    for name in ("numbers", "picky", "total"):
        assert whole[name]["content_hash"] == straight[name]["content_hash"], name


def test_a_limited_stage_needs_something_to_read(tmp_path):
    with pytest.raises(DataError, match="has not ended once"):
        built(tmp_path, only=["picky"], limit=3)


def test_a_plan_counts_and_writes_nothing(tmp_path):
    stages = (Numbers(), Picky(), Total())
    numbers, picky, total = plan_stages(tmp_path / "new", stages)
    assert (numbers.rows, picky.rows, total.rows) == (22, 22, 22) and not (tmp_path / "new").exists()
    assert (picky.estimate.calls, picky.estimate.cost) == (44, pytest.approx(4.4))
    built(tmp_path / "begun", *stages, limit=10)
    numbers, picky, total = plan_stages(tmp_path / "begun", stages)
    assert [(each.rows, each.done) for each in (numbers, picky)] == [(22, 10), (22, 10)]
    assert picky.estimate.calls == 24 and total.done == 0  # it looks at all rows together
    assert json.loads((tmp_path / "begun" / "picky" / "manifest.json").read_text())["rows"] == 10
    with pytest.raises(ConfigError, match="stage=pikcy: choose from numbers, picky, total"):
        plan_stages(tmp_path, stages, ["pikcy"])


def everything(folder):
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_a_plan_says_what_would_be_refused(tmp_path):
    stages = (Numbers(), Picky(), Total())
    built(tmp_path, *stages)
    before = everything(tmp_path)
    assert [(each.done, each.rows, each.refused) for each in plan_stages(tmp_path, stages)] == [
        (22, 22, ""), (22, 22, ""), (14, 14, ""),
    ]  # fmt: skip
    others = (Numbers(factor=4), Picky(), Total())
    numbers, picky, total = plan_stages(tmp_path, others)
    assert "other parameters (factor: 3 → 4)" in numbers.refused and numbers.done == 0
    assert "from other rows of numbers" in picky.refused and picky.estimate.calls == 44
    assert total.done == 0 and "from other rows of picky, numbers" in total.refused
    with pytest.raises(ConfigError) as caught:
        built(tmp_path, *others)
    assert str(caught.value) == numbers.refused
    (alone,) = plan_stages(tmp_path, others, ["picky"])
    assert alone.refused == "" and alone.done == 22  # what it reads is what it was made from
    assert everything(tmp_path) == before
    (unread,) = plan_stages(tmp_path / "new", stages, ["picky"])
    assert "numbers, which is not complete" in unread.refused


def test_a_plan_counts_what_was_deleted(tmp_path):
    stages = (Numbers(), Picky(), Total())
    built(tmp_path, *stages)
    (tmp_path / "picky" / "00001.parquet").unlink()
    (tmp_path / "numbers" / "manifest.json").unlink()
    numbers, picky, total = plan_stages(tmp_path, stages)
    assert (numbers.done, numbers.refused) == (22, "")
    assert (picky.rows, picky.done, picky.estimate.calls) == (22, 18, 8)
    assert total.done == 0 and not total.refused
    (tmp_path / "total" / "manifest.json").unlink()
    built(tmp_path, *stages, only=["numbers", "picky"])
    *_, total = plan_stages(tmp_path, stages)
    assert (total.rows, total.done) == (14, 0)  # nobody knows what its rows were made from


def test_a_plan_of_a_second_try_counts_what_was_set_aside(tmp_path):
    stages = (Numbers(), Picky(), Total())
    built(tmp_path, *stages)
    numbers, picky, total = plan_stages(tmp_path, stages, retry=True)
    assert (numbers.done, picky.done, picky.estimate.calls, total.done) == (22, 14, 16, 0)


def test_a_source_that_gives_more_is_gone_on_with_and_one_that_gives_less_is_told(tmp_path, caplog):
    built(tmp_path, Numbers(5), Picky())
    more = built(tmp_path, Numbers(9), Picky())
    assert more["numbers"]["rows"] == more["picky"]["rows"] == 9 and more["picky"]["complete"]
    less = built(tmp_path, Numbers(3), Picky())
    assert less["picky"]["rows"] == 9 and "only 3 rows are asked for" in caplog.text
