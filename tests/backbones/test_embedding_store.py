"""Many small shards: few open files, large shards written once, no row lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_encoder import vector

from emo3d_exp.backbones import store as store_module
from emo3d_exp.backbones.shards import as_keys, open_shard, write_shard
from emo3d_exp.backbones.store import MERGE_FROM, EmbeddingStore
from emo3d_exp.backbones.stored_rows import Parts

HERE = Path(__file__).parent
DIM = 64


def keyed(start: int, stop: int, dim: int = DIM) -> tuple[np.ndarray, np.ndarray]:
    """Keys and rows of the texts ``text <start>`` to ``text <stop - 1>``, as the cache has them."""
    texts = [f"text {i}".encode() for i in range(start, stop)]
    rows = np.stack([vector(text, dim) for text in texts])
    return as_keys(hashlib.sha256(text).digest() for text in texts), rows


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[!.]*.shard")}


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SMALL_ROWS", 40)
    monkeypatch.setattr(store_module, "MERGE_ROWS", 100)


FEW_FILES = """
import resource, sys
sys.path[:0] = sys.argv[1:3]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
import numpy as np
from fake_encoder import CountingEncoder, vector
from emo3d_exp.backbones import EmbeddingCache, cache, store
cache.TEXTS_A_SHARD, store.SMALL_ROWS, store.MERGE_ROWS = 10, 50, 200
texts = [f"text {i}" for i in range(int(sys.argv[4]))]
encoder = CountingEncoder()
rows = EmbeddingCache(sys.argv[3], progress=False).texts(encoder, texts)
np.testing.assert_array_equal(rows, np.stack([vector(text.encode(), 6) for text in texts]))
print(len(encoder.texts))
"""


def encoded_with_few_files(folder: Path, count: int) -> int:
    """How many of ``count`` texts a process encodes that may open 64 files."""
    pytest.importorskip("resource")
    arguments = [str(HERE), str(HERE.parents[1]), str(folder), str(count)]
    done = subprocess.run([sys.executable, "-c", FEW_FILES, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_long_job_opens_few_files(tmp_path: Path) -> None:
    assert encoded_with_few_files(tmp_path, 2000) == 2000  # 200 shards
    assert len(names(tmp_path / "fake-1" / "text")) == 10
    assert encoded_with_few_files(tmp_path, 2000) == 0


def test_what_a_killed_job_left_is_read_with_few_files_and_merged_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "fake-1" / "text"
    for start in range(0, 1500, 10):
        keys, rows = keyed(start, start + 10, dim=6)
        write_shard(folder, keys, [rows])
    assert encoded_with_few_files(tmp_path, 1500) == 0
    assert len(names(folder)) == 150
    assert encoded_with_few_files(tmp_path, 1501) == 1
    assert len(names(folder)) == 2


def test_a_large_shard_is_mapped_and_never_written_again(tmp_path: Path, small_sizes: None) -> None:
    store, large = EmbeddingStore(tmp_path, DIM), set()
    for start in range(0, 1200, 20):
        with store.writing():
            store.add(*keyed(start, start + 20))
        assert large <= names(tmp_path)
        opened = {name: open_shard(tmp_path / name, 40 * DIM * 4) for name in names(tmp_path)}
        large = {name for name, shard in opened.items() if shard.mapped}
        assert sum(len(shard.keys) for shard in opened.values()) == start + 20  # no row twice
    assert len(large) == 12
    keys, rows = keyed(0, 1200)
    for reader in (store, EmbeddingStore(tmp_path, DIM)):
        np.testing.assert_array_equal(reader.rows(keys)[:], rows)


def test_rows_between_large_shards_and_rows_handed_out_before_survive_merging(
    tmp_path: Path, small_sizes: None
) -> None:
    store = EmbeddingStore(tmp_path, DIM)
    ends = [0, 30, 90, 100, 110, 180, 200, 230, 231, 300]
    keys, rows = keyed(0, 300)
    with store.writing():
        for start, end in pairwise(ends[:5]):
            store.add(keys[start:end], rows[start:end])
        early = store.rows(keys[:110])
        for start, end in pairwise(ends[4:]):
            store.add(keys[start:end], rows[start:end])
    assert len(names(tmp_path)) == 5  # 60, 70 and 69 rows as they came, 100 merged, and the last one
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(store.rows(keys[order])[:], rows[order])
    np.testing.assert_array_equal(early[:], rows[:110])
    np.testing.assert_array_equal(EmbeddingStore(tmp_path, DIM).rows(keys)[:], rows)


def test_shards_that_stay_small_after_merging_are_merged_again(tmp_path: Path) -> None:
    store, other = EmbeddingStore(tmp_path, DIM), EmbeddingStore(tmp_path, DIM)
    count = 3 * MERGE_FROM
    for i in range(count):
        writer = other if i % 5 == 0 else store  # each has to notice what the other one merged
        with writer.writing():
            writer.add(*keyed(i, i + 1))
    assert len(names(tmp_path)) < MERGE_FROM
    keys, rows = keyed(0, count)
    with other.writing():  # sees all
        pass
    for reader in (other, EmbeddingStore(tmp_path, DIM)):
        np.testing.assert_array_equal(reader.rows(keys)[:], rows)


@pytest.mark.parametrize("moment", ["before the merged shard is there", "before the small ones are gone"])
def test_a_kill_while_merging_loses_nothing(
    tmp_path: Path, small_sizes: None, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*arguments: object) -> None:
        raise Killed

    def killed_at_shards(path: Path, missing_ok: bool = False) -> None:
        if not path.name.startswith("."):
            raise Killed
        if path.exists():
            os.unlink(path)

    keys, rows = keyed(0, 120)
    for start in range(0, 120, 30):
        write_shard(tmp_path, keys[start : start + 30], [rows[start : start + 30]])
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if moment == "before the merged shard is there":
            patch.setattr(os, "replace", killed)
        else:
            patch.setattr(Path, "unlink", killed_at_shards)
        with EmbeddingStore(tmp_path, DIM).writing():
            pass
    assert len(names(tmp_path)) == (4 if moment == "before the merged shard is there" else 5)
    store = EmbeddingStore(tmp_path, DIM)
    np.testing.assert_array_equal(store.rows(keys)[:], rows)
    with store.writing():
        np.testing.assert_array_equal(store.rows(keys)[:], rows)
    assert len(names(tmp_path)) == (1 if moment == "before the merged shard is there" else 2)


def test_parts_give_and_replace_whole_arrays() -> None:
    rows = np.arange(20, dtype=np.float32).reshape(10, 2)
    parts = Parts(2)
    for start, stop in [(0, 3), (3, 3), (3, 4), (4, 8), (8, 10)]:
        parts.append(rows[start:stop])
    assert [len(array) for array in parts.between(3, 8)] == [1, 4]
    parts.replace(3, rows[3:8] + 100)
    assert [len(array) for array in parts.between(0, 10)] == [3, 5, 2]
    out = np.empty((10, 2), np.float32)
    parts.copy_into(out, np.arange(10)[::-1])
    np.testing.assert_array_equal(out[::-1], rows + 100 * ((rows >= 6) & (rows < 16)))
