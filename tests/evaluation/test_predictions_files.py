"""Predictions survive every format, and a bad file is refused with all that is wrong in it."""

from __future__ import annotations

import json
from datetime import date

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


def scores_as(kind):
    """52 columns of one kind of cells, 3 rows."""
    values = {
        "complex": np.full(3, 0.25 + 0.5j),
        "complex without an imaginary part": np.full(3, 0.25 + 0j),
        "time": np.full(3, "1970-01-01", "datetime64[ns]"),
        "duration": np.zeros(3, "timedelta64[ns]"),
        "date": [date(1970, 1, 1)] * 3,
        "bytes": [b"0.25"] * 3,
        "truth": [True, False, True],
    }[kind]
    return pd.DataFrame({"sample_id": [1, 2, 3], **dict.fromkeys(BLENDSHAPES, values)})


@pytest.mark.parametrize("kind", ["time", "duration", "date", "bytes", "truth"])
def test_parquet_columns_that_hold_no_numbers(tmp_path, kind):
    scores_as(kind).to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(DataError, match=r"3 bad rows.*\n  row 1, column _neutral: not a number"):
        load_predictions(tmp_path / "mine.parquet")


@pytest.mark.parametrize("kind", ["complex", "complex without an imaginary part", "time", "duration"])
def test_arrays_that_hold_no_numbers(tmp_path, kind):
    table = scores_as(kind)
    scores = table[list(BLENDSHAPES)].to_numpy()
    np.savez(tmp_path / "mine.npz", sample_id=[1, 2, 3], blendshapes=scores, names=BLENDSHAPES)
    with pytest.raises(DataError, match=r"3 bad rows.*\n  row 1, column _neutral: not a number"):
        load_predictions(tmp_path / "mine.npz")


@pytest.mark.parametrize("number", ["9223372036854775808", "18446744073709551616", "1e300", "-1e19"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_ids_that_no_whole_number_holds(tmp_path, number, suffix):
    table = table_of(make_predictions(3)).assign(sample_id=[4, 5, 6])
    table["sample_id"] = table["sample_id"].astype(object)
    table.loc[1, "sample_id"] = float(number) if "e" in number else int(number)
    path = tmp_path / f"mine{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    elif suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")))
    else:
        table["sample_id"] = table["sample_id"].astype(float)
        table.astype(float).to_parquet(path)
    with pytest.raises(DataError, match=r"row 2, column sample_id: .* is (too large|not a whole number)"):
        load_predictions(path)


def test_the_largest_ids_are_read(tmp_path):
    table = table_of(make_predictions(2)).astype(np.float64)
    table["sample_id"] = np.array([2**63 - 1, 2**53 + 1], np.uint64)
    table.to_parquet(tmp_path / "mine.parquet")
    assert load_predictions(tmp_path / "mine.parquet").sample_id.tolist() == [2**63 - 1, 2**53 + 1]
    table["sample_id"] = [2.0**53 + 2, 1.0]
    table.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(DataError, match=r"row 1, column sample_id: .* too large"):
        load_predictions(tmp_path / "mine.parquet")


def test_blank_lines_count_as_lines(tmp_path):
    table = table_of(make_predictions(3)).assign(sample_id=[4, 5, 4], text_number=1)
    table.loc[1, "jawOpen"] = 1.5
    rows = [json.dumps(row) for row in table.to_dict("records")]
    path = tmp_path / "mine.jsonl"
    path.write_text(f"\n{rows[0]}\n\n{rows[1]}\n{rows[2]}\n")
    with pytest.raises(DataError) as refused:
        load_predictions(path)
    assert "row 4, column jawOpen: 1.5 is outside" in str(refused.value)
    assert "row 5, columns sample_id and text_number: sample_id 4, text_number 1 stands in row 2 too" in str(
        refused.value
    )
    path.write_text(f"\n{rows[0]}\n\n{{oops\n")
    with pytest.raises(DataError, match="row 4, not JSON"):
        load_predictions(path)


def test_a_key_that_stands_twice(tmp_path):
    row = json.dumps(table_of(make_predictions(1)).to_dict("records")[0])
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{row}\n{row[:-1]}, "jawOpen": 0.5}}\n')
    with pytest.raises(DataError, match="row 2, the key 'jawOpen' stands twice"):
        load_predictions(path)
