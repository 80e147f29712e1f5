import logging

import numpy as np
import pandas as pd
import pytest
from published import jpeg, row, scores, write_archive, write_csv

from emo3d_exp.data import load_emo3d, read_image
from emo3d_exp.data.problems import SHOWN
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import EMOTIONS


def test_csv_with_archive(tmp_path):
    write_csv(tmp_path / "data", [row(7), row(2)])
    write_archive(tmp_path / "data" / "prompt1_images_0_1000.zip", [2, 7, 900, 901])
    corpus = load_emo3d(tmp_path)
    assert corpus.sample_id.tolist() == [2, 7, 900, 901]
    assert corpus.published_split.tolist() == ["train", "train", "val", "test"]
    assert len(corpus.text) == 12 and len(corpus.image) == 16
    assert corpus.text[3:6] == tuple(f"text {n} of sample 7" for n in (1, 2, 3))
    np.testing.assert_allclose(corpus.emotions[0], [0, 0, 0, 0, 0.8, 0, 0.4, 0], atol=1e-6)
    faces = np.flatnonzero(corpus.face_sample == 1)
    for number, face in enumerate(faces, 1):
        np.testing.assert_allclose(corpus.blendshapes[face], scores(70 + number), atol=1e-4)
    pixels = read_image(corpus.image[faces[2]])
    assert pixels.shape == (6, 5, 3) and pixels.dtype == np.uint8
    assert abs(int(pixels[0, 0, 0]) - 87) < 4 and abs(int(pixels[0, 0, 2]) - 200) < 4
    assert len({ref.key for ref in corpus.image}) == 16


def test_vectors_are_printed_over_several_lines(tmp_path):
    assert "\n" in row(1)["blenshape_score_1"]
    corpus = load_emo3d(write_csv(tmp_path, [row(1)]))
    assert corpus.has_blendshapes.all()


@pytest.mark.parametrize("place", ["", "data"])
def test_unpacked_images_and_files_in_the_root(tmp_path, place):
    write_csv(tmp_path, [row(1)])
    folder = tmp_path / place / "prompt1_images_0_1000"
    folder.mkdir(parents=True)
    (folder / "1_0.jpeg").write_bytes(jpeg(90))
    corpus = load_emo3d(tmp_path)
    assert read_image(corpus.image[0]).shape == (6, 5, 3)
    assert corpus.image[1] is None


@pytest.mark.parametrize("inside", ["", "content/drive/prompt1_images_0_1000/"])
def test_archives_that_name_their_members_otherwise(tmp_path, inside):
    write_csv(tmp_path, [row(1)])
    write_archive(tmp_path / "prompt1_images_0_1000.zip", [1], inside)
    assert sum(ref is not None for ref in load_emo3d(tmp_path).image) == 4


def test_parquet_with_arrays_and_right_spelling(tmp_path):
    first = row(1)
    for number in (1, 2, 3, 4):
        first[f"blendshape_score_{number}"] = scores(number).tolist()
        del first[f"blenshape_score_{number}"]
    first["blendshape_score_2"] = None
    pd.DataFrame([first]).to_parquet(tmp_path / "emo3d_data.parquet")
    corpus = load_emo3d(tmp_path)
    np.testing.assert_allclose(corpus.blendshapes, [scores(n) for n in (1, 3, 4)])
    assert corpus.published_split.tolist() == [""]


def test_image_without_scores_keeps_its_face_and_missing_images_are_told(tmp_path, caplog):
    write_csv(tmp_path, [row(1, blenshape_score_2=None, img_3=None, blenshape_score_4="nan", img_4=None)])
    write_archive(tmp_path / "prompt1_images_0_1000.zip", [1])
    with caplog.at_level(logging.WARNING):
        corpus = load_emo3d(tmp_path)
    of_first = corpus.face_sample == 0
    assert corpus.face_number[of_first].tolist() == [1, 2, 3]
    assert corpus.has_blendshapes[of_first].tolist() == [True, False, True]
    assert [ref is not None for ref in corpus.image[:3]] == [True, True, False]
    assert "8 of 10 images" in caplog.text


def test_every_bad_row_is_told_at_once(tmp_path):
    rows = [
        row(1),
        row(2, **dict.fromkeys(EMOTIONS, 0.0)),
        row(3, blenshape_score_1="[0.1 0.2]"),
        row(4, blenshape_score_2="[0.1 0.2 ... 0.3]"),
        row(5, anger="much"),
        row(6, fear=1.4),
        row(7, text_1="", text_2="nan", text_3=""),
        row(8, img_1="../../etc/passwd"),
        row(9) | {"sample_id": "x9"},
        row(10, blenshape_score_1=" ".join(["0.5"] * 51 + ["7"])),
        row(11, sadness=None),
        row(1, anger=0.1),
        row(12, blenshape_score_3=" ".join(["0.5"] * 51 + ["zero"])),
    ]
    with pytest.raises(DataError) as caught:
        load_emo3d(write_csv(tmp_path, rows))
    message = str(caught.value)
    for number, column, reason in [
        (2, "neutral…contempt", "all intensities are zero"),
        (3, "blenshape_score_1", "expected 52 numbers, got 2"),
        (4, "blenshape_score_2", "cut short by '...'"),
        (5, "anger", "'much' is not a number"),
        (6, "fear", "1.4 is outside [0, 1]"),
        (7, "text_1", "no text"),
        (8, "img_1", "unsafe image path"),
        (9, "sample_id", "'x9' is no sample id"),
        (10, "blenshape_score_1", "from 0.5 to 7"),
        (11, "sadness", "no intensity"),
        (12, "sample_id", "stands in train_data.csv, row 1 too, with other emotions"),
        (13, "blenshape_score_3", "'zero' is not a number"),
    ]:
        places = (f"train_data.csv, row {number} ", f"train_data.csv, row {number},")
        line = next(line for line in message.splitlines() if any(place in line for place in places))
        assert f"column {column}: " in line and reason in line
    assert "(sample_id 3)" in message and "12 of 15 rows" in message and "on_bad_rows=skip" in message


def test_bad_rows_beyond_the_message_are_listed_in_a_file(tmp_path, cache, caplog):
    count = SHOWN + 7
    folder = write_csv(tmp_path, [row(number, anger="much") for number in range(1, count + 1)])
    with pytest.raises(DataError) as caught:
        load_emo3d(folder)
    message = str(caught.value)
    (file,) = (cache / "reports").iterdir()
    assert f"{count} problems are listed in {file}" in message and f"row {count} " not in message
    assert "7 × column anger" in message
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [f"row {n} (sample_id {n}), column anger" in line for n, line in enumerate(lines, 1)] == [
        True
    ] * count
    with caplog.at_level(logging.WARNING):
        load_emo3d(folder, on_bad_rows="skip")
    assert str(file) in caplog.text


def test_a_list_that_cannot_be_written_does_not_hide_the_bad_rows(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "file"))
    rows = [row(number, anger="much") for number in range(1, SHOWN + 2)]
    with pytest.raises(DataError, match=r"row 1 \(sample_id 1\)[^$]*could not be written.*EMO3D_CACHE"):
        load_emo3d(write_csv(tmp_path, rows))


def test_skipping_is_logged_and_keeps_the_good_rows(tmp_path, caplog):
    write_csv(tmp_path, [row(1), row(2, anger="much"), row(3)])
    with caplog.at_level(logging.WARNING):
        corpus = load_emo3d(tmp_path, on_bad_rows="skip")
    assert corpus.sample_id.tolist() == [1, 3, 900, 901]
    assert "1 of 5 rows cannot be used" in caplog.text and "row 2 (sample_id 2), column anger" in caplog.text
    with pytest.raises(ConfigError, match="refuse, skip"):
        load_emo3d(tmp_path, on_bad_rows="ignore")


def test_a_sample_in_two_splits_is_refused(tmp_path):
    write_csv(tmp_path, [row(1)], [row(1)])
    with pytest.raises(DataError, match=r"val_data\.csv, row 1 .*the splits train and val share it"):
        load_emo3d(tmp_path)


def test_rows_of_one_sample_become_one(tmp_path):
    corpus = load_emo3d(write_csv(tmp_path, [row(1), row(1, text_1="another")]))
    assert (corpus.text_sample == 0).sum() == 6 and corpus.text[3] == "another"
    assert corpus.text_number[:6].tolist() == [1, 2, 3, 4, 5, 6]
    assert corpus.face_number[:8].tolist() == list(range(1, 9))


def test_no_table_and_damaged_files_are_told(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        load_emo3d(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no Emo3D table under .*train_data\.csv"):
        load_emo3d(tmp_path)
    (tmp_path / "emo3d_data.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot read"):
        load_emo3d(tmp_path)
    pd.DataFrame([{"sample_id": 1, "text_1": "a"}]).to_parquet(tmp_path / "emo3d_data.parquet")
    with pytest.raises(DataError, match="lacks the columns neutral, happiness"):
        load_emo3d(tmp_path)


def test_damaged_archive_is_named(tmp_path):
    write_csv(tmp_path, [row(1)])
    (tmp_path / "prompt1_images_0_1000.zip").write_bytes(b"half a file")
    with pytest.raises(DataError, match=r"prompt1_images_0_1000\.zip"):
        load_emo3d(tmp_path)
