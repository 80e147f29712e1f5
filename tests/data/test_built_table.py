import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emo3d_exp.data import TableData, face_reasons, load_table
from emo3d_exp.data.table_schema import table_schema
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTIONS


def face(number=1, **changes):
    made = {
        "face_number": number,
        "image_location": f"pictures/{number}.jpeg",
        "image_key": f"key-{number}",
        "blendshapes": [0.5] * 52,
    }
    return made | changes


def row(sample, **changes):
    emotions = dict.fromkeys(EMOTIONS, 0.0) | {"fear": 0.75}
    made = {
        "sample_id": sample,
        "split": "train",
        "prompt_type": "told",
        "texts": ["a text"],
        "faces": [face()],
    }
    return made | emotions | changes


def write(folder, *rows, name="assemble/00000.parquet", exact=False):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=table_schema(exact)), file)
    return folder


@pytest.mark.parametrize("exact", [False, True])
def test_a_table_of_several_shards(tmp_path, exact):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "1.jpeg").write_bytes(b"1")
    lost = face(2, blendshapes=None, image_location=None, image_key=None, reason="no face was found")
    write(tmp_path, row(7, texts=[None, "second", "  third\n one "], faces=[face(), lost]), exact=exact)
    write(tmp_path, row(3, split=None, faces=None), name="assemble/00001.parquet", exact=exact)
    write(tmp_path, row(5, set_aside="a copy", texts=[]), name="assemble/00002.parquet", exact=exact)
    corpus = load_table(tmp_path)
    assert corpus.sample_id.tolist() == [3, 7] and corpus.published_split.tolist() == ["", "train"]
    assert corpus.text == ("a text", "second", "third one") and corpus.text_number.tolist() == [1, 2, 3]
    assert corpus.image[0].location == str(tmp_path / "pictures" / "1.jpeg") and len(corpus.image) == 1
    assert corpus.emotions[0, EMOTIONS.index("fear")] == 0.75 and corpus.emotions.dtype == np.float32
    assert face_reasons(tmp_path) == {"no face was found": 1}
    assert load_table(tmp_path / "assemble" / "00000.parquet").sample_id.tolist() == [7]


def test_a_single_file_lies_beside_its_pictures(tmp_path):
    write(tmp_path, row(1), name="mine.parquet")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "1.jpeg").write_bytes(b"1")
    corpus = TableData(str(tmp_path / "mine.parquet")).load()
    assert corpus.image[0].location == str(tmp_path / "pictures" / "1.jpeg") and corpus.name == "table"


def test_pictures_that_are_gone_are_counted_and_their_scores_kept(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        corpus = load_table(write(tmp_path, row(1), row(2)))
    assert corpus.image == (None, None) and corpus.has_blendshapes.all()
    assert "2 of 2 pictures are not there, such as pictures/1.jpeg" in caplog.text


BAD = {
    "sample id": ({"sample_id": -4}, "column sample_id: -4 is no sample id"),
    "split": ({"split": "dev"}, "column split: 'dev' is none of train, val, test"),
    "no intensity": ({"anger": None}, "column anger: no intensity"),
    "intensity": ({"anger": 1.25}, "column anger: intensity 1.25 is outside"),
    "nan": ({"anger": float("nan")}, "column anger: intensity nan is outside"),
    "zeros": ({"fear": 0.0}, "all intensities are zero"),
    "no texts": ({"texts": None}, "column texts: no text"),
    "blank texts": ({"texts": [" ", None]}, "column texts: no text"),
    "short scores": (
        {"faces": [face(blendshapes=[0.1] * 51)]},
        "face 1: blendshapes: expected 52 numbers, got 51",
    ),
    "scores": ({"faces": [face(blendshapes=[1.5] * 52)]}, "face 1: blendshapes: scores must lie in"),
    "nan score": ({"faces": [face(blendshapes=[float("nan")] * 52)]}, "not finite"),
    "no score": ({"faces": [face(blendshapes=[None] * 52)]}, "holds a number that is missing"),
    "face twice": ({"faces": [face(), face()]}, "face number 1 is no number from 1, or stands twice"),
    "face number": ({"faces": [face(None)]}, "face number None"),
    "no key": ({"faces": [face(image_key=None)]}, "face 1: a picture without image_key"),
    "escape": ({"faces": [face(image_location="../../a.jpeg")]}, "leaves the data folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_told_with_file_and_row(case, tmp_path, caplog):
    changes, reason = BAD[case]
    write(tmp_path, row(1), row(2, **changes), row(3))
    with pytest.raises(DataError) as caught:
        load_table(tmp_path)
    message = str(caught.value)
    assert "1 of 3 rows" in message and "00000.parquet, row 2" in message and reason in message
    assert "data.on_bad_rows=skip" in message
    assert load_table(tmp_path, on_bad_rows="skip").sample_id.tolist() == [1, 3]


def test_a_sample_that_stands_twice(tmp_path):
    with pytest.raises(DataError, match=r"row 2 \(sample_id 4\).*stands in 00000.parquet, row 1 too"):
        load_table(write(tmp_path, row(4), row(4)))


def test_what_is_no_table(tmp_path):
    with pytest.raises(DataError, match="needs data"):
        TableData().load()
    with pytest.raises(DataError, match=r"holds no table: expected a folder with assemble/\*\.parquet"):
        load_table(tmp_path)
    pq.write_table(pa.table({"sample_id": [1]}), tmp_path / "other.parquet")
    with pytest.raises(
        DataError, match=r"other\.parquet is no table .* lacks the columns split, texts.*data=emo3d"
    ):
        load_table(tmp_path / "other.parquet")
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"half\.parquet is damaged"):
        load_table(tmp_path / "half.parquet")
    with pytest.raises(DataError, match="no usable row"):
        load_table(write(tmp_path, row(1, set_aside="a copy")))
