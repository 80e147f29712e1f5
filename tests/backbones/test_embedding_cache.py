"""The embedding cache: each distinct input once, whatever happens to the process or the files."""

from __future__ import annotations

import hashlib
import logging
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from fake_encoder import CountingEncoder, vector

from emo3d_exp.backbones import EmbeddingCache, stored_rows
from emo3d_exp.backbones import cache as cache_module
from emo3d_exp.backbones.store import MERGE_FROM
from emo3d_exp.errors import DataError

HERE = Path(__file__).parent


def expected(texts: list[str], dim: int = 6) -> np.ndarray:
    return np.stack([vector(text.encode(), dim) for text in texts])


def shards(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.shard"))


def test_distinct_texts_are_encoded_once_and_rows_keep_their_order(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    texts = ["b", "a", "b", "c", "a", "b", "ünïcode 😀"]
    rows = EmbeddingCache(tmp_path).texts(encoder, texts)
    np.testing.assert_array_equal(rows, expected(texts))
    assert rows.dtype == np.float32
    assert sorted(encoder.texts) == sorted(set(texts))


def test_a_second_cache_encodes_only_what_is_new(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path).texts(CountingEncoder(), ["a", "b"])
    encoder = CountingEncoder()
    rows = EmbeddingCache(tmp_path).texts(encoder, ["c", "b", "a"])
    assert encoder.texts == ["c"]
    np.testing.assert_array_equal(rows, expected(["c", "b", "a"]))


def test_other_fingerprints_and_modalities_do_not_mix(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.texts(CountingEncoder(fingerprint="one"), ["a"])
    other = CountingEncoder(fingerprint="two")
    cache.texts(other, ["a"])
    assert other.texts == ["a"]
    image = np.full((2, 3, 3), 7, np.uint8)
    rows = cache.images(other, ["a"], lambda i: image)
    np.testing.assert_array_equal(rows[0], vector(image.tobytes(), 6))


def test_images_are_read_once_for_each_missing_key(tmp_path: Path) -> None:
    read: list[int] = []

    def image(i: int) -> np.ndarray:
        read.append(i)
        return np.full((2, 2, 3), i, np.uint8)

    keys = ["k0", "k1", "k0", "k3", "k1"]
    encoder = CountingEncoder()
    rows = EmbeddingCache(tmp_path).images(encoder, keys, image)
    again = EmbeddingCache(tmp_path).images(encoder, keys, image)
    assert read == [0, 1, 3] and encoder.images == 3
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_array_equal(rows[3], vector(np.full((2, 2, 3), 3, np.uint8).tobytes(), 6))


def test_returned_rows_are_the_callers_own(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.texts(CountingEncoder(), ["a"])[:] = 0
    np.testing.assert_array_equal(cache.texts(CountingEncoder(), ["a"]), expected(["a"]))


def test_no_texts(tmp_path: Path) -> None:
    assert EmbeddingCache(tmp_path).texts(CountingEncoder(), []).shape == (0, 6)
    with pytest.raises(TypeError, match="one string"):
        EmbeddingCache(tmp_path).texts(CountingEncoder(), "abc")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_a_damaged_shard_is_reported_deleted_and_computed_again(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache_module, "TEXTS_A_SHARD", 2)
    texts = ["a", "b", "c", "d"]
    EmbeddingCache(tmp_path).texts(CountingEncoder(), texts)
    victim = shards(tmp_path)[0]
    content = victim.read_bytes()
    flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    damaged = {"flip": flipped, "cut": content[:-5], "empty": b"", "foreign": b"x" * 200}
    victim.write_bytes(damaged[damage])
    encoder = CountingEncoder()
    with caplog.at_level(logging.WARNING):
        rows = EmbeddingCache(tmp_path).texts(encoder, texts)
    np.testing.assert_array_equal(rows, expected(texts))
    assert len(encoder.texts) == 2
    assert [victim.name in record.getMessage() for record in caplog.records] == [True]
    assert not victim.exists()


def test_bad_embeddings_are_refused_and_not_kept(tmp_path: Path) -> None:
    class Broken(CountingEncoder):
        def encode_texts(self, texts: list[str]) -> np.ndarray:
            return super().encode_texts(texts) * np.nan

    with pytest.raises(DataError, match="not finite"):
        EmbeddingCache(tmp_path).texts(Broken(), ["a"])
    assert shards(tmp_path) == []


def test_many_small_shards_are_merged_without_loss(tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(MERGE_FROM + 3)]
    cache = EmbeddingCache(tmp_path)
    for text in texts:
        cache.texts(CountingEncoder(), [text])
    assert len(shards(tmp_path)) <= 4
    encoder = CountingEncoder()
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).texts(encoder, texts), expected(texts))
    assert encoder.texts == []


def test_an_open_cache_sees_what_others_wrote_and_merged(tmp_path: Path) -> None:
    early = EmbeddingCache(tmp_path)
    early.texts(CountingEncoder(), ["first"])
    texts = [f"text {i}" for i in range(MERGE_FROM + 1)]
    for text in texts:
        EmbeddingCache(tmp_path).texts(CountingEncoder(), [text])
    encoder = CountingEncoder()
    np.testing.assert_array_equal(early.texts(encoder, texts), expected(texts))
    assert encoder.texts == []


def test_stored_rows_are_the_rows_and_outlive_their_files(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    texts = [f"text {i}" for i in range(70)]
    for start in range(0, 20, 5):
        cache.texts(CountingEncoder(), texts[start : start + 5])
    early = cache.stored_texts(CountingEncoder(), [*texts[:20], "text 3"])
    for text in texts[20:]:  # enough small shards to be merged
        cache.texts(CountingEncoder(), [text])
    for file in shards(tmp_path):
        file.unlink()
    assert early.shape == (21, 6) and early.dtype == np.float32
    np.testing.assert_array_equal(early[:], expected([*texts[:20], "text 3"]))
    rows = np.array([20, 7, 7, 0])
    np.testing.assert_array_equal(early[rows], expected(["text 3", "text 7", "text 7", "text 0"]))
    np.testing.assert_array_equal(early[3:5], expected(["text 3", "text 4"]))
    assert early[:0].shape == (0, 6)


def test_rows_may_be_spread_over_more_places(tmp_path: Path) -> None:
    rows = EmbeddingCache(tmp_path).stored_texts(CountingEncoder(), ["a", "b"]).spread(np.array([3, 1]), 5)
    assert rows.present.tolist() == [False, True, False, True, False]
    whole = np.zeros((5, 6), np.float32)
    whole[[3, 1]] = expected(["a", "b"])
    np.testing.assert_array_equal(rows[:], whole)
    np.testing.assert_array_equal(rows[[4, 3]], whole[[4, 3]])


def test_any_number_of_rows_from_any_number_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "TEXTS_A_SHARD", 7)
    monkeypatch.setattr(stored_rows, "BLOCK_ROWS", 11)
    texts = [f"text {i}" for i in range(100)]
    order = np.random.default_rng(0).integers(0, 100, 250)
    stored = EmbeddingCache(tmp_path).stored_texts(CountingEncoder(), texts)
    assert len(shards(tmp_path)) == 15
    np.testing.assert_array_equal(stored[order], expected(texts)[order])


def test_files_written_before_are_read(tmp_path: Path) -> None:
    """The layout, byte by byte: folders that hold days of encoding stay valid."""
    rows, keys = expected(["a", "b"]), [hashlib.sha256(text.encode()).digest() for text in "ab"]
    payload = b"".join(keys) + rows.astype("<f4").tobytes()
    header = b"emo3d-1\n" + struct.pack("<III", 2, 6, zlib.crc32(payload))
    folder = tmp_path / "fake-1" / "text"
    folder.mkdir(parents=True)
    (folder / "18ea-1.shard").write_bytes(header + payload)
    encoder = CountingEncoder()
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).texts(encoder, ["b", "a"]), rows[::-1])
    assert encoder.texts == []
    (folder / "18ea-1.shard").unlink()
    EmbeddingCache(tmp_path).texts(encoder, ["a"])
    assert shards(tmp_path)[0].read_bytes()[:20] == b"emo3d-1\n" + struct.pack(
        "<III", 1, 6, zlib.crc32(keys[0] + rows[:1].tobytes())
    )


def test_texts_of_like_length_are_encoded_together_across_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "TEXTS_A_SHARD", 4)
    texts = ["x" * int(length) for length in np.random.default_rng(0).permutation(30)]
    encoder = CountingEncoder()
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).texts(encoder, texts), expected(texts))
    assert encoder.texts == sorted(texts, key=len, reverse=True)


def run_python(code: str, *arguments: str) -> subprocess.Popen:
    start = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *arguments], stdout=subprocess.PIPE, text=True
    )


FILL = """
from fake_encoder import CountingEncoder
from emo3d_exp.backbones import EmbeddingCache, cache
cache.TEXTS_A_SHARD = 10
encoder = CountingEncoder(dies_after=int(sys.argv[2]) if len(sys.argv) > 2 else None)
EmbeddingCache(sys.argv[1], progress=False).texts(encoder, [f"text {i}" for i in range(60)])
print(len(encoder.texts))
"""


def test_a_killed_process_loses_only_the_shard_in_hand(tmp_path: Path) -> None:
    killed = run_python(FILL, str(tmp_path), "4")
    killed.communicate()
    assert killed.returncode == 9
    leftover = tmp_path / "fake-1" / "text" / ".half.1234.partial.shard"
    leftover.write_bytes(b"half")
    encoder = CountingEncoder()
    texts = [f"text {i}" for i in range(60)]
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).texts(encoder, texts), expected(texts))
    assert len(encoder.texts) == 20
    assert not leftover.exists()


def test_two_processes_at_once_share_the_work(tmp_path: Path) -> None:
    both = [run_python(FILL, str(tmp_path)) for _ in range(2)]
    counts = [int(process.communicate()[0]) for process in both]
    assert sum(counts) == 60
    encoder = CountingEncoder()
    texts = [f"text {i}" for i in range(60)]
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).texts(encoder, texts), expected(texts))
    assert encoder.texts == []


def test_images_that_nobody_else_wants_keep_no_other_process_waiting(tmp_path: Path) -> None:
    class Interrupted(CountingEncoder):
        def encode_images(self, images):
            if not self.images:  # another process fills the same folder meanwhile
                other.images(CountingEncoder(), ["x"], lambda row: np.full((2, 2, 3), 9, np.uint8))
            return super().encode_images(images)

    other, encoder = EmbeddingCache(tmp_path), Interrupted()
    pictures = np.arange(70, dtype=np.uint8)[:, None, None, None].repeat(12, axis=1).reshape(70, 2, 2, 3)
    keys = [f"picture {number}" for number in range(70)]
    rows = EmbeddingCache(tmp_path).images(encoder, keys, lambda row: pictures[row], shared=False)
    np.testing.assert_array_equal(rows, [vector(picture.tobytes(), 6) for picture in pictures])
    assert encoder.images == 70
    again = CountingEncoder()
    np.testing.assert_array_equal(other.images(again, [*keys, "x"], lambda row: pictures[row])[:70], rows)
    assert again.images == 0


@pytest.mark.parametrize("shared", [True, False])
def test_a_cache_that_is_deleted_meanwhile_is_filled_again(shared: bool, tmp_path: Path) -> None:
    class Deleted(CountingEncoder):
        def encode_images(self, images):
            if self.calls == 1:
                for shard in shards(tmp_path):
                    shard.unlink()
            return super().encode_images(images)

    pictures = np.arange(150, dtype=np.uint8)[:, None, None, None].repeat(12, axis=1).reshape(150, 2, 2, 3)
    rows = EmbeddingCache(tmp_path, progress=False).images(
        Deleted(), [f"picture {number}" for number in range(150)], lambda row: pictures[row], shared
    )
    np.testing.assert_array_equal(rows, [vector(picture.tobytes(), 6) for picture in pictures])


def test_what_others_have_written_meanwhile_is_not_made_again(tmp_path: Path) -> None:
    old, encoder = EmbeddingCache(tmp_path), CountingEncoder()
    old.images(encoder, ["a"], lambda row: np.zeros((2, 2, 3), np.uint8))
    EmbeddingCache(tmp_path).images(encoder, ["b"], lambda row: np.ones((2, 2, 3), np.uint8))
    old.images(encoder, ["b"], lambda row: np.ones((2, 2, 3), np.uint8), shared=False)
    assert encoder.images == 2


def test_a_warm_cache_answers_in_milliseconds_without_torch(tmp_path: Path) -> None:
    texts = [f"a face that shows feeling number {i}" for i in range(6000)]
    EmbeddingCache(tmp_path, progress=False).texts(CountingEncoder(dim=384), texts)
    code = """
import time
from fake_encoder import CountingEncoder
from emo3d_exp.backbones import EmbeddingCache, stored_rows
texts = [f"a face that shows feeling number {i}" for i in range(6000)]
best = 9.0
for _ in range(5):
    start = time.perf_counter()
    rows = EmbeddingCache(sys.argv[1]).texts(CountingEncoder(dim=384), texts)
    best = min(best, time.perf_counter() - start)
assert rows.shape == (6000, 384)
heavy = {"torch", "transformers", "open_clip", "cv2", "rich", "huggingface_hub"} & set(sys.modules)
print(best, *heavy)
"""
    seconds, *heavy = run_python(code, str(tmp_path)).communicate()[0].split()
    assert heavy == []
    assert float(seconds) < 0.25  # about 0.02 on a machine of its own


def test_a_folder_that_cannot_be_written_names_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="EMO3D_CACHE"):
        EmbeddingCache(tmp_path / "file").texts(CountingEncoder(), ["a"])


def test_progress_is_shown_for_large_jobs_only(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.texts(CountingEncoder(), [f"few {i}" for i in range(100)])
    assert capsys.readouterr().err == ""
    cache.texts(CountingEncoder(), [f"many {i}" for i in range(300)])
    assert "300/300" in capsys.readouterr().err
