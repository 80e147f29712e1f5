"""A table in mapped files is the table in memory."""

import errno
import json
import logging
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context

import numpy as np
import pytest
from test_built_table import BAD, face, row, write

from emo3d_exp.data import PublishedSplit, RandomSplit, TableData, load_table, mapped_table, open_table
from emo3d_exp.data.mapped_columns import ColumnWriter
from emo3d_exp.data.mapping import TablePass
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import Corpus

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tables"


def written(folder, samples, exact=False):
    """A table in two files whose samples stand in the order of ``samples``."""
    rng, rows = np.random.default_rng(3), []
    (folder / "pictures").mkdir(parents=True)
    for sample in samples:
        (folder / "pictures" / f"{sample}.jpeg").write_bytes(b"1")
        lost = dict(image_location=None, image_key=None)
        faces = [
            face(1, blendshapes=rng.random(52).tolist(), image_location=f"pictures/{sample}.jpeg"),
            face(2, blendshapes=None, **lost),
            face(3, blendshapes=rng.random(52).tolist(), **lost),
            face(4, blendshapes=None),
        ]
        split = ("train", "val", "test")[sample % 3]
        emotions = {"anger": float(rng.random())}
        texts = [f"text  {sample} é", None, f"other {sample}"][: 1 + sample % 3]
        rows.append(row(sample, split=split, faces=faces[: sample % 5], texts=texts, **emotions))
    half = len(rows) // 2
    write(folder, *rows[:half], exact=exact)
    return write(folder, *rows[half:], name="assemble/00001.parquet", exact=exact)


def assert_equal(found, expected):
    assert type(found.loaded()) is type(expected) is Corpus
    for field in fields(Corpus):
        one, other = getattr(found.loaded(), field.name), getattr(expected, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype.kind == other.dtype.kind
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other, field.name
    for name in ("pairs", "fingerprint", "text_emotions"):
        one, other = getattr(found, name)(), getattr(expected, name)()
        np.testing.assert_array_equal(one[:], other[:], err_msg=name)
    for name in ("has_blendshapes", "has_image"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert list(found.text) == list(expected.text) and list(found.image) == list(expected.image)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("order", ["ascending", "any"])
def test_the_same_corpus_and_the_same_parts_of_it(order, exact, tmp_path, monkeypatch):
    monkeypatch.setattr("emo3d_exp.data.mapping.ROWS", 7)
    samples = np.arange(60) if order == "ascending" else np.random.default_rng(0).permutation(60)
    folder = written(tmp_path / "table", samples.tolist(), exact)
    expected, found = load_table(folder), open_table(folder)
    assert_equal(found, expected)
    assert_equal(open_table(folder), expected)
    for splitter in (PublishedSplit(), RandomSplit(near_copies=None)):
        splits, others = splitter.split(expected), splitter.split(found)
        assert splits.hash == others.hash
        for part in ("train", "val", "test"):
            assert_equal(found.select(others.rows(part)), expected.select(splits.rows(part)))
    odd = np.arange(60) % 2 == 1
    assert_equal(found.select(odd).select(np.arange(5)), expected.select(odd).select(np.arange(5)))


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_told_as_in_memory(case, tmp_path, caplog):
    folder = write(tmp_path, row(1), row(2, **BAD[case][0]), row(3), row(3))
    with pytest.raises(DataError) as expected:
        load_table(folder)
    with pytest.raises(DataError) as found:
        open_table(folder)
    assert str(found.value) == str(expected.value)
    assert_equal(open_table(folder, "skip"), load_table(folder, "skip"))
    caplog.clear()
    assert_equal(open_table(folder, "skip"), load_table(folder, "skip"))
    assert "2 of 4 rows of the table are skipped" in caplog.text


def test_what_is_no_table_is_told_as_in_memory(tmp_path, cache):
    with pytest.raises(DataError, match=r"holds no table"):
        open_table(tmp_path)
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"half\.parquet is damaged"):
        open_table(tmp_path / "half.parquet")
    with pytest.raises(DataError, match="no usable row"):
        open_table(write(tmp_path, row(1, set_aside="a copy")))
    with pytest.raises(ConfigError, match="on_bad_rows='mend'"):
        open_table(tmp_path, "mend")
    assert not [found for found in cache.glob("*") if found.is_dir()]


def test_a_table_of_bad_rows_alone_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("emo3d_exp.data.mapping.MOST_PROBLEMS", 3)
    monkeypatch.setattr("emo3d_exp.data.mapping.ROWS", 4)
    with pytest.raises(DataError, match="4 of 4 rows"):
        open_table(write(tmp_path, *(row(number, split="dev") for number in range(30))))


def test_an_unchanged_table_is_read_once(tmp_path, cache, monkeypatch):
    folder = written(tmp_path / "table", range(20))
    open_table(folder)
    monkeypatch.setattr(TablePass, "write", None)
    assert len(open_table(folder)) == 20
    monkeypatch.undo()
    monkeypatch.setenv("EMO3D_CACHE", str(cache.parent))
    write(folder, row(100), name="assemble/00002.parquet")
    assert open_table(folder).sample_id.tolist() == [*range(20), 100]


def test_pictures_that_come_and_go(tmp_path, caplog):
    folder = written(tmp_path / "table", range(20))
    (folder / "pictures" / "11.jpeg").rename(tmp_path / "away.jpeg")
    assert_equal(open_table(folder), load_table(folder))
    caplog.clear()
    assert_equal(open_table(folder), load_table(folder))
    assert caplog.text.count("1 of 20 pictures are not there, such as pictures/11.jpeg") == 2
    (tmp_path / "away.jpeg").rename(folder / "pictures" / "11.jpeg")
    assert_equal(open_table(folder), load_table(folder))
    (folder / "pictures" / "12.jpeg").unlink()
    assert_equal(open_table(folder), load_table(folder))


@pytest.mark.parametrize("damage", ["facts", "column", "short", "nonsense"])
def test_damaged_files_are_written_again(damage, tmp_path, cache, caplog):
    folder = written(tmp_path / "table", range(20))
    open_table(folder)
    (made,) = (found for found in cache.glob("*") if found.is_dir())
    if damage == "facts":
        (made / "facts.json").unlink()
    elif damage == "column":
        (made / "key.bin").unlink()
    elif damage == "short":
        (made / "blendshapes.bin").write_bytes(b"\0" * 52)
    else:
        (made / "facts.json").write_text("{}")
    caplog.clear()
    assert_equal(open_table(folder), load_table(folder))
    assert "is damaged; reading the table again" in caplog.text


def test_a_pass_that_is_killed_leaves_nothing_that_looks_whole(tmp_path, cache, monkeypatch):
    folder = written(tmp_path / "table", range(20))
    with monkeypatch.context() as patch:
        patch.setattr(mapped_table, "write_json", _killed)
        patch.setattr(mapped_table.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            open_table(folder)
    (left,) = (found for found in cache.glob(".*") if found.is_dir())
    assert left.name.endswith(".partial") and (left / "text.bin").is_file()
    assert_equal(open_table(folder), load_table(folder))
    assert not left.exists()


def _killed(*_):
    raise KeyboardInterrupt


def test_a_full_disk_is_told(tmp_path, cache, monkeypatch):
    folder = written(tmp_path / "table", range(20))

    def full(self, name, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ColumnWriter, "append", full)
    with pytest.raises(DataError, match=r"No space left on device.*make room there.*EMO3D_CACHE"):
        open_table(folder)
    assert not [found for found in cache.glob("*") if found.is_dir()]


def test_a_folder_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    folder = written(tmp_path / "table", range(20))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot hold the mapped table.*EMO3D_CACHE"):
        open_table(folder)


def test_two_processes_at_once(tmp_path, cache):
    folder = written(tmp_path / "table", range(60))
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        found = list(pool.map(_fingerprint, [str(folder)] * 4))
    assert set(found) == {load_table(folder).fingerprint()}
    assert len([made for made in cache.glob("*") if made.is_dir()]) == 1
    assert not list(cache.glob(".*.partial"))


def _fingerprint(folder):
    return TableData(folder, streaming=True).load().fingerprint()


def test_the_facts_are_plain(tmp_path, cache, caplog):
    folder = write(tmp_path / "table", row(1), row(2, set_aside="a copy"))
    with caplog.at_level(logging.INFO):
        open_table(folder)
    assert "1 of 2 samples under" in caplog.text
    (facts,) = cache.glob("*/facts.json")
    assert json.loads(facts.read_text())["fingerprint"] == load_table(folder).fingerprint()
    shutil.rmtree(cache)
    assert len(open_table(folder)) == 1
