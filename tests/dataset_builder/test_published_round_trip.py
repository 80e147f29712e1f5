"""Published layout → our table → published layout, on made tables."""

import json
import zipfile
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import jpeg, row, write_archive, write_csv

from emo3d_exp.data import load_emo3d, load_table, read_image
from emo3d_exp.data.emo3d import read_published
from emo3d_exp.data.hub import PARTS, snapshot_revision
from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.data.table import Row
from emo3d_exp.dataset_builder import PublishedSource, write_back
from emo3d_exp.dataset_builder.published_counts import compared, count_table, refuse_unexpected
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import EMOTIONS

FOLDER = "prompt1_images_0_1000"
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=30
).filter(lambda text: text.strip() and text.strip().lower() not in ("nan", "none", "null", "<na>"))
digits = st.integers(0, 17).flatmap(lambda n: st.floats(0, 1).map(lambda x: round(x, n)))
cells = st.one_of(
    st.none(),
    st.lists(digits, min_size=52, max_size=52).map(
        lambda scores: np.array2string(np.array(scores), threshold=99, floatmode="unique")
    ),
    st.integers(0, 99).map(lambda seed: str(np.random.default_rng(seed).uniform(0, 1, 52) ** 9)),
)


@st.composite
def samples(draw, number):
    made = {f"text_{n}": draw(st.none() | texts) for n in (1, 2, 3)}
    if not any(made.values()):
        made["text_2"] = draw(texts)
    made |= {emotion: draw(digits) for emotion in EMOTIONS[1:]} | {"neutral": 0.25}
    made |= {f"blenshape_score_{n}": draw(cells) for n in (1, 2, 3, 4)}
    names = st.sampled_from([None, "", "gone_images/"])
    for n in (1, 2, 3, 4):
        prefix = draw(names)
        name = f"{FOLDER}/{number}_{n - 1}.jpeg" if prefix == "" else f"gone_images/é {number}_{n}.jpeg"
        made[f"img_{n}"] = None if prefix is None else name
    return row(number, prompt_type=draw(texts), **made)


def told(rows):
    """All that a table says."""
    return [
        (
            each.sample_id,
            each.split,
            each.prompt_type,
            each.texts,
            each.emotions.tolist(),
            [(n, name, None if scores is None else scores.tolist()) for n, name, scores in each.faces],
        )
        for each in rows
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), parquet=st.booleans())
def test_nothing_is_lost_in_either_direction(data, parquet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round")
    rows = [data.draw(samples(number)) for number in range(6)]
    if parquet:
        (folder / "first").mkdir()
        table = pd.DataFrame(rows).assign(split=["train", "val", "test", None, "train", "test"])
        table.to_parquet(folder / "first" / "emo3d_data.parquet")
    else:
        write_csv(folder / "first", rows[:4], rows[4:5], rows[5:])
    write_archive(folder / "first" / f"{FOLDER}.zip", [0, 1, 2, 3])
    PublishedSource(str(folder / "first"), counts="tell").build(folder / "table")
    write_back(folder / "table", folder / "second", parquet)
    before, after = read_published(folder / "first"), read_published(folder / "second")
    assert told(before) == told(after) and len(before) == 6
    first, ours, second = (
        load_emo3d(folder / "first"),
        load_table(folder / "table"),
        load_emo3d(folder / "second"),
    )
    assert first.fingerprint() == ours.fingerprint() == second.fingerprint()
    for one, other, third in zip(first.image, ours.image, second.image, strict=True):
        assert (one is None) == (other is None) == (third is None)
        if one is not None:
            assert encoded_bytes(one) == encoded_bytes(other) == encoded_bytes(third)
    PublishedSource(str(folder / "second"), counts="tell").build(folder / "again")
    assert told(read_published(write_back(folder / "again", folder / "third", parquet))) == told(before)


def made(folder, **changes):
    write_csv(folder, [row(n) for n in range(3)])
    write_archive(folder / f"{FOLDER}.zip", [0, 1, 2, 5])
    return PublishedSource(str(folder), **{"counts": "tell", **changes})


@pytest.mark.parametrize("unpacked", [False, True])
def test_counts_are_verified_and_pictures_found(tmp_path, unpacked):
    manifest = made(tmp_path / "set", unpack=unpacked).build(tmp_path / "table")
    counts = manifest["counts"]
    assert json.loads((tmp_path / "table" / "assemble" / "manifest.json").read_text()) == manifest
    assert manifest["counts_are"] == "told, not checked" and manifest["revision"] is None
    assert counts["prompt_types"] == {"prompt1": 5} and counts["pictures_by_archive"] == {FOLDER: 20}
    assert counts["samples"] == {"test": 1, "train": 3, "val": 1} and counts["texts"] == 15
    assert (counts["faces"], counts["faces_with_scores"]) == (20, 20)
    assert (counts["pictures_named"], counts["pictures_found"]) == (20, 12)
    assert counts["pictures_missing"] == {FOLDER: 8}
    assert counts["archives"] == {f"{FOLDER}.zip": {"pictures": 16, "named": 12}}
    if unpacked:  # the table then stands for itself
        (tmp_path / "set" / f"{FOLDER}.zip").unlink()
        (tmp_path / "table").rename(tmp_path / "moved")
        corpus = load_table(tmp_path / "moved")
    else:
        corpus = load_table(tmp_path / "table")
    assert read_image(corpus.image[5]).shape == (6, 5, 3)
    assert sum(ref is not None for ref in corpus.image) == 12


def known_rows(drop=lambda row: False):
    """Rows as the published table has them, as far as it is known."""
    return [each for each in whole_table() if not drop(each)]


@cache
def whole_table(count=21_000):
    made, emotions = [], np.ones(8)
    archives = [part for part in PARTS for _ in range(-(-count // len(PARTS)))]
    bounds = {"train": 0.799, "val": 0.8985, "test": 1.0}
    for sample in range(count):
        split = next(part for part, bound in bounds.items() if sample * 7919 % count < bound * count)
        texts = [(1, "a"), (2, "b"), (3, "c")]
        faces = [(n, f"{archives[sample]}/{sample}_{n}.jpeg", None) for n in (1, 2, 3, 4)]
        made.append(Row("", sample, split, sample, emotions, texts, faces, archives[sample].split("_")[0]))
    return made


def test_counts_as_they_are_known_pass():
    counts = count_table(known_rows())
    refuse_unexpected(counts, "there")
    assert counts["texts"] == 63_000 and counts["prompt_types"]["prompt2"] > 0
    assert len(counts["pictures_by_archive"]) == len(PARTS)
    assert all(each.holds(value) for each, value in compared(counts)) and len(compared(counts)) == 8


@pytest.mark.parametrize(
    ("drop", "named"),
    [
        (
            lambda row: row.split == "train" and row.sample_id > 20_500,
            r"share of train.*expected.*79\.8 … 80",
        ),
        (lambda row: row.split == "test", r"share of train.*✗ share of test +10\.1 … 10\.3 % +0 %"),
        (lambda row: row.sample_id > 12_000, r"✗ texts +50,000 … 70,000 +36,003 +paper.*✗ archives named"),
        (lambda row: row.faces[0][1].startswith("prompt2_images_5000"), r"✗ archives named +20 +19 +files"),
    ],
)
def test_a_truncated_or_other_version_is_refused_with_a_table(drop, named):
    rows = known_rows(drop)
    with pytest.raises(DataError, match=rf"(?s){named}.*emo3d\.counts=tell"):
        refuse_unexpected(count_table(rows), "there")


def test_an_unknown_archive_is_told():
    rows = [
        *known_rows(),
        Row("", 0, "train", 99_999, np.ones(8), [(1, "a")], [(1, "new_images/1.jpeg", None)]),
    ]
    with pytest.raises(DataError, match=r"✗ other archives named +0 +1"):
        refuse_unexpected(count_table(rows), "there")


def test_counts_are_checked_unless_they_are_only_to_be_told(tmp_path):
    with pytest.raises(DataError, match=r"(?s)not the published data set.*✗ samples +16,666\.7 … 70,000 +5"):
        made(tmp_path / "set", counts="check").build(tmp_path / "table")
    assert not list((tmp_path / "table" / "assemble").glob("*.parquet"))
    with pytest.raises(ConfigError, match=r"emo3d\.counts=no: choose check or tell"):
        PublishedSource(counts="no")


def test_the_revision_is_that_of_the_hubs_cache(tmp_path, monkeypatch):
    revision = "0123456789abcdef" * 2 + "01234567"
    snapshot = tmp_path / "datasets--llm-lab--Emo3D" / "snapshots" / revision
    made(snapshot)
    monkeypatch.setattr("emo3d_exp.dataset_builder.published_source.fetch", lambda *_: snapshot)
    monkeypatch.setattr("emo3d_exp.dataset_builder.published_source.check_downloads", lambda files: {})
    assert PublishedSource(counts="tell").build(tmp_path / "table")["revision"] == revision
    assert snapshot_revision(tmp_path) is None


def test_a_second_run_keeps_what_is_unpacked_and_other_tables_are_left_alone(tmp_path):
    source = made(tmp_path / "set", unpack=True)
    first = source.build(tmp_path / "table")
    before = (tmp_path / "table" / "pictures" / FOLDER).stat().st_ino
    assert source.build(tmp_path / "table") == first
    assert (tmp_path / "table" / "pictures" / FOLDER).stat().st_ino == before
    (tmp_path / "table" / "assemble" / "manifest.json").write_text('{"identity": "other"}')
    with pytest.raises(ConfigError, match="holds another table"):
        source.build(tmp_path / "table")


def test_a_set_that_must_be_complete_is_refused_where_it_is_not(tmp_path):
    with pytest.raises(DataError, match=r"8 of 20 pictures .* not there .*prompt1_images_0_1000"):
        made(tmp_path / "set", complete=True).build(tmp_path / "table")


def test_an_unsafe_archive_stops_the_build(tmp_path):
    source = made(tmp_path / "set", unpack=True)
    with zipfile.ZipFile(tmp_path / "set" / "evil_images.zip", "w") as archive:
        archive.writestr("../../evil.jpeg", jpeg(1))
    with pytest.raises(DataError, match="leaves the folder"):
        source.build(tmp_path / "table")
    assert not (tmp_path / "evil.jpeg").exists() and not (tmp_path / "table" / "evil.jpeg").exists()


def test_several_rows_of_a_sample_come_back(tmp_path):
    shared = {emotion: 0.5 for emotion in EMOTIONS}
    write_csv(tmp_path / "set", [row(1, **shared), row(1, text_2=None, text_3=None, **shared)])
    PublishedSource(str(tmp_path / "set"), counts="tell").build(tmp_path / "table")
    again = read_published(write_back(tmp_path / "table", tmp_path / "second"))
    assert told(again) == told(read_published(tmp_path / "set"))
    assert [n for n, _ in again[0].texts] == [1, 2, 3, 4] and len(again[0].faces) == 8
