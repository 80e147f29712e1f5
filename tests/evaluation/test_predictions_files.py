"""Predictions survive every format, and a bad file is refused with all that is wrong in it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import make_prompts

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import load_predictions, match, save_predictions
from emo3d_exp.records import Predictions
from emo3d_exp.vocab import BLENDSHAPES

SUFFIXES = (".npz", ".parquet", ".jsonl", ".csv")


def make_predictions(rows=9, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.random((rows, 52), dtype=np.float32)
    scores[0, :4] = (0, 1, 1e-7, np.nextafter(np.float32(1), np.float32(0)))
    ids = np.array([2**60 + 1, *range(1, rows)])
    return Predictions(ids, np.arange(rows) % 3 + 1, scores)


def table_of(predictions):
    table = pd.DataFrame(predictions.blendshapes, columns=list(BLENDSHAPES)).astype(object)
    table.insert(0, "sample_id", predictions.sample_id)
    return table


def write_csv(tmp_path, table):
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_back_the_same_bits(tmp_path, suffix):
    written = make_predictions()
    path = save_predictions(tmp_path / "folder" / f"predictions{suffix}", written)
    read = load_predictions(path)
    np.testing.assert_array_equal(read.sample_id, written.sample_id)
    np.testing.assert_array_equal(read.text_number, written.text_number)
    np.testing.assert_array_equal(read.blendshapes, written.blendshapes)
    assert (read.sample_id.dtype, read.blendshapes.dtype) == (np.int64, np.float32)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_columns_may_come_in_any_order_and_optional_ones_be_absent(tmp_path):
    predictions = make_predictions(4)
    table = table_of(predictions).drop(columns="_neutral")
    read = load_predictions(write_csv(tmp_path, table[table.columns[::-1]]))
    np.testing.assert_array_equal(read.blendshapes[:, 1:], predictions.blendshapes[:, 1:])
    assert (read.blendshapes[:, 0] == 0).all() and (read.text_number == 1).all()


def test_an_npz_is_read_by_the_names_of_its_columns(tmp_path):
    predictions, order = make_predictions(3), np.random.default_rng(1).permutation(52)
    path = tmp_path / "mine.npz"
    names = np.array(BLENDSHAPES)[order]
    np.savez(
        path, sample_id=predictions.sample_id, blendshapes=predictions.blendshapes[:, order], names=names
    )
    np.testing.assert_array_equal(load_predictions(path).blendshapes, predictions.blendshapes)
    np.savez(path, sample_id=predictions.sample_id, blendshapes=predictions.blendshapes)
    with pytest.raises(DataError, match="names"):
        load_predictions(path)
    np.savez(path, sample_id=np.arange(2), blendshapes=predictions.blendshapes, names=names)
    with pytest.raises(DataError, match=r"\(3, 52\)"):
        load_predictions(path)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_another_vocabulary_is_refused(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"predictions{suffix}"
    with monkeypatch.context() as patch:
        patch.setattr("emo3d_exp.evaluation.formats.VOCABULARY_HASH", "0123456789abcdef")
        save_predictions(path, make_predictions())
    with pytest.raises(DataError, match=r"another set or order of blendshapes .*0123456789abcdef"):
        load_predictions(path)


def test_all_wrong_columns_are_named_at_once(tmp_path):
    table = table_of(make_predictions()).rename(
        columns={"jawOpen": "JawOpne", "mouthSmileLeft": "mouthSmile_Lft", "sample_id": "id"}
    )
    table["wink"] = 0.5
    path = write_csv(tmp_path, table)
    with pytest.raises(DataError) as refused:
        load_predictions(path)
    message = str(refused.value)
    assert str(path) in message
    assert "unknown column 'JawOpne', did you mean 'jawOpen'?" in message
    assert "unknown column 'mouthSmile_Lft', did you mean 'mouthSmileLeft'?" in message
    assert "unknown column 'wink': remove it" in message
    for name in ("sample_id", "jawOpen", "mouthSmileLeft"):
        assert f"column '{name}' is missing" in message


def test_a_doubled_column_is_named(tmp_path):
    table = table_of(make_predictions())
    path = write_csv(tmp_path, pd.concat([table, table[["jawLeft"]]], axis=1))
    with pytest.raises(DataError, match="column 'jawLeft' stands 2 times"):
        load_predictions(path)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_all_bad_rows_are_named_at_once(tmp_path, suffix):
    table = table_of(make_predictions(8))
    table.loc[1, "jawOpen"] = 1.5
    table.loc[2, "browInnerUp"] = float("nan")
    table.loc[2, "cheekPuff"] = -0.25
    table.loc[4, "mouthLeft"] = "half"
    table["sample_id"] = [10, 11, 12, 13, 14, 12.5, 10, 17]
    table.loc[7, "noseSneerLeft"] = None
    path = tmp_path / f"mine{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False, na_rep="nan")
    else:
        path.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")))
    with pytest.raises(DataError) as refused:
        load_predictions(path)
    lines = [line.strip() for line in str(refused.value).splitlines()]
    assert lines[0] == f"{path}: 6 bad rows, none was read"
    assert lines[1:7] == [
        "row 2, column jawOpen: 1.5 is outside [0, 1]",
        "row 3, column browInnerUp: NaN",
        "row 3, column cheekPuff: -0.25 is outside [0, 1]",
        "row 5, column mouthLeft: not a number: 'half'",
        "row 6, column sample_id: 12.5 is not a whole number",
        "row 7, columns sample_id and text_number: sample_id 10, text_number 1 stands in row 1 too",
    ]
    assert lines[7].startswith("row 8, column noseSneerLeft:")
    assert len(lines) == 8


def test_other_bad_cells(tmp_path):
    table = table_of(make_predictions(4))
    table["text_number"] = [1, 0, "x", 2]
    table.loc[3, "jawLeft"] = ""
    with pytest.raises(DataError) as refused:
        load_predictions(write_csv(tmp_path, table))
    assert "row 2, column text_number: 0 is not a whole number from 1" in str(refused.value)
    assert "row 3, column text_number: not a number: 'x'" in str(refused.value)
    assert "row 4, column jawLeft: the cell is empty" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.xlsx", b"", "expected one of .npz, .parquet, .jsonl, .csv"),
        ("mine.npz", b"PK broken", "not a readable .npz"),
        ("mine.parquet", b"PAR1 broken", "not a readable parquet"),
        ("mine.csv", b"", "not a readable CSV"),
        ("mine.csv", b"sample_id,jawOpen\n1,2,3\n", "not a readable CSV"),
        ("mine.jsonl", b'{"sample_id": 1}\n{oops\n[1]\n', "row 2, not JSON"),
        ("mine.jsonl", b"", "columns do not fit"),
        ("mine.csv", ",".join(["sample_id", *BLENDSHAPES]).encode(), "has no rows"),
    ],
)
def test_unreadable_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as refused:
        load_predictions(path)
    assert str(path) in str(refused.value)


def test_an_absent_file_and_unfit_predictions(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_predictions(tmp_path / "none.csv")
    bad = make_predictions(3)
    bad.blendshapes[1, 5] = np.nan
    with pytest.raises(DataError, match="row 2, column browOuterUpRight: NaN"):
        save_predictions(tmp_path / "bad.csv", bad)
    assert not list(tmp_path.iterdir())


def test_match_aligns_and_counts_what_was_not_asked():
    prompts = make_prompts(6, texts_each=2)
    order = np.random.default_rng(0).permutation(len(prompts))
    extra = np.append(order, order[:1])
    ids = prompts.sample_id[extra].copy()
    ids[-1] = 999
    given = Predictions(ids, prompts.text_number[extra], prompts.blendshapes[extra])
    found = match(given, prompts)
    np.testing.assert_array_equal(found.predictions.blendshapes, prompts.blendshapes)
    np.testing.assert_array_equal(found.predictions.sample_id, prompts.sample_id)
    assert found.extra.tolist() == [[999, int(prompts.text_number[order[0]])]]


def test_match_names_all_missing_and_doubled():
    prompts = make_prompts(4, texts_each=2)
    first = prompts.text_number == 1
    given = Predictions(prompts.sample_id[first], prompts.text_number[first], prompts.blendshapes[first])
    with pytest.raises(DataError, match=r"4 of 8 prompts have none.*0/2, 3/2, 6/2, 9/2") as refused:
        match(given, prompts)
    assert "text_number (1, 2, 3)" in str(refused.value)
    twice = [0, 0, *range(1, 8)]
    doubled = Predictions(prompts.sample_id[twice], prompts.text_number[twice], prompts.blendshapes[twice])
    with pytest.raises(DataError, match="row 2, sample_id 0, text_number 1 is predicted twice"):
        match(doubled, prompts)
