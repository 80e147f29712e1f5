"""Faces of other programs as predictions: what the exporters write comes back, and bad files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_fakes import make_prompts

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import load_predictions, match
from emo3d_exp.exporters import ExportRequest, export
from emo3d_exp.vocab import ARKIT_NAMES, BLENDSHAPES


@pytest.fixture
def scores() -> np.ndarray:
    values = np.random.default_rng(2).random((4, 52)).astype(np.float32)
    values[:, 0] = 0
    values[0, 1:4] = (0, 1, 1e-7)
    return values


def face(values: np.ndarray) -> dict[str, Any]:
    return dict(zip(BLENDSHAPES[1:], values[1:].tolist(), strict=True))


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("count", [1, 4])
def test_arkit_json_comes_back_to_the_bit(scores: np.ndarray, count: int, tmp_path: Path) -> None:
    keys = {"sample_id": np.array([7, 7, 3, 2**60])[:count], "text_number": np.array([1, 2, 1, 1])[:count]}
    (path,) = export("arkit_json", ExportRequest(scores[:count], **keys), tmp_path / "faces.json")
    read = load_predictions(path)
    np.testing.assert_array_equal(read.blendshapes, scores[:count])
    expected = [7, 7, 3, 2**60] if count > 1 else [1]
    assert read.sample_id.tolist() == expected
    assert read.text_number.tolist() == [1, 2, 1, 1][:count]


def test_live_link_comes_back_to_ten_decimals(scores: np.ndarray, tmp_path: Path) -> None:
    (path,) = export("livelink_csv", ExportRequest(scores), tmp_path / "take.csv")
    read = load_predictions(path)
    np.testing.assert_allclose(read.blendshapes, scores, atol=1e-7)
    assert (read.sample_id.tolist(), set(read.text_number)) == ([1, 2, 3, 4], {1})


def test_names_count_without_case_and_other_curves_are_left_out(scores: np.ndarray, tmp_path: Path) -> None:
    swapped = {name[0].upper() + name[1:].swapcase(): value for name, value in face(scores[1]).items()}
    read = load_predictions(written(tmp_path / "face.json", {**swapped, "TongueOut": 0.5, "headYaw": -12}))
    np.testing.assert_array_equal(read.blendshapes, scores[1:2])


def layouts(scores: np.ndarray) -> dict[str, Any]:
    labels = [{"sample_id": 7}, {"sample_id": 7, "text_number": 2}, {"sample_id": 3}]
    return {
        "flat": [{**label, **face(row)} for label, row in zip(labels, scores, strict=False)],
        "nested": [
            {**label, "text": "a text", "blendShapes": face(row)}
            for label, row in zip(labels, scores, strict=False)
        ],
        "by sample": dict(zip(("7", "7/2", "3"), map(face, scores), strict=False)),
    }


@pytest.mark.parametrize("layout", ["flat", "nested", "by sample"])
def test_every_layout_of_json_is_read(scores: np.ndarray, layout: str, tmp_path: Path) -> None:
    read = load_predictions(written(tmp_path / "faces.json", layouts(scores)[layout]))
    keys = list(zip(read.sample_id.tolist(), read.text_number.tolist(), strict=True))
    assert keys == [(7, 1), (7, 2), (3, 1)]
    np.testing.assert_array_equal(read.blendshapes, scores[:3])


def test_faces_without_a_sample_answer_the_prompts_in_their_order(tmp_path: Path) -> None:
    prompts = make_prompts(4)
    (path,) = export("livelink_csv", ExportRequest(prompts.blendshapes), tmp_path / "take.csv")
    found = match(load_predictions(path, lambda: prompts), prompts).predictions
    np.testing.assert_allclose(found.blendshapes[:, 1:], prompts.blendshapes[:, 1:], atol=1e-7)
    (path,) = export("arkit_json", ExportRequest(prompts.blendshapes[:3]), tmp_path / "faces.json")
    told = rf"3 faces without sample_id for {len(prompts)} prompts.*prompts=FILE"
    with pytest.raises(DataError, match=told):
        load_predictions(path, lambda: prompts)


def test_prompts_are_not_asked_for_where_faces_are_named(scores: np.ndarray, tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError

    path = written(tmp_path / "faces.json", layouts(scores)["flat"])
    assert len(load_predictions(path, never)) == 3


def test_a_recording_may_name_its_samples(scores: np.ndarray, tmp_path: Path) -> None:
    (path,) = export("livelink_csv", ExportRequest(scores), tmp_path / "take.csv")
    header, *rows = path.read_text().splitlines()
    lines = [
        f"{header},sample_id",
        *(f"{row},{number}" for row, number in zip(rows, (9, 4, 6, 5), strict=True)),
    ]
    path.write_text("\n".join(lines))
    assert load_predictions(path).sample_id.tolist() == [9, 4, 6, 5]


def test_a_folder_holds_a_face_a_file(scores: np.ndarray, tmp_path: Path) -> None:
    for row, (name, kind) in enumerate([("12.json", "arkit_json"), ("12_2.csv", "livelink_csv")]):
        export(kind, ExportRequest(scores[row]), tmp_path / name)
    written(tmp_path / "notes.txt", "no face")
    read = load_predictions(tmp_path)
    assert (read.sample_id.tolist(), read.text_number.tolist()) == ([12, 12], [1, 2])
    np.testing.assert_allclose(read.blendshapes, scores[:2], atol=1e-7)


def test_a_file_named_after_another_sample_is_refused(scores: np.ndarray, tmp_path: Path) -> None:
    (path,) = export("arkit_json", ExportRequest(scores[0]), tmp_path / "12.json")
    face = json.loads(path.read_text())
    path.write_text(json.dumps({"blendshapes": face.get("blendshapes", face), "sample_id": 9}))
    with pytest.raises(DataError, match=r"12\.json is named after sample_id 12, but holds sample_id 9"):
        load_predictions(tmp_path)


def test_bad_folders_are_refused(scores: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no"):
        load_predictions(tmp_path)
    (path,) = export("livelink_csv", ExportRequest(scores), tmp_path / "12.csv")
    with pytest.raises(DataError, match=r"12\.csv: 4 faces; keep the one frame"):
        load_predictions(tmp_path)
    path.rename(tmp_path / "angry.csv")
    with pytest.raises(DataError, match=r"angry\.csv: name it by its sample, such as 12\.csv"):
        load_predictions(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object"),
        ("3", "expected an object"),
        ([3], "row 1, a face was expected, not '3'"),
        ([{"blendshapes": [1, 2]}], "row 1, blendshapes is not an object"),
        ({"joy": {"jawOpen": 1}}, "'joy' is no sample_id"),
        ('{"7": {"jawOpen": 1, "jawOpen": 0}}', "the key 'jawOpen' stands twice"),
        ({"7": {"sample_id": 9}}, "'7' is named after sample_id 7, but holds sample_id 9"),
        ({"7/2": {"text_number": 1}}, "'7/2' is named after text_number 2, but holds text_number 1"),
        ({"7": {"sample_id": 7, "text_number": 1}}, "column 'browDownLeft' is missing"),
        ({"jawOpen": 1, "JawOpen": 1}, "row 1, jawOpen stands twice"),
        ({"jawOpen": 1}, "column 'browDownLeft' is missing"),
        ({name: 0.5 for name in ARKIT_NAMES} | {"jawOpn": 1}, "did you mean 'jawOpen'"),
        ({name: 0.5 for name in ARKIT_NAMES} | {"jawOpen": 1.5}, "column jawOpen: 1.5 is outside"),
        ({name: 0.5 for name in ARKIT_NAMES} | {"jawOpen": None}, "column jawOpen: the cell is empty"),
        ({name: 0.5 for name in ARKIT_NAMES} | {"jawOpen": float("nan")}, "column jawOpen: NaN"),
        ({name: 0.5 for name in ARKIT_NAMES} | {"jawOpen": True}, "column jawOpen: not a number"),
        (
            {name: 0.5 for name in ARKIT_NAMES} | {"jawOpen": {}},
            "'browDownLeft' is no sample_id|not a number",
        ),
        ({name: 0.5 for name in ARKIT_NAMES} | {"sample_id": "x"}, "column sample_id: not a number"),
    ],
)
def test_bad_json_is_refused_with_the_reason(content: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=told):
        load_predictions(written(tmp_path / "faces.json", content))


def test_a_recording_names_missing_and_unknown_columns(scores: np.ndarray, tmp_path: Path) -> None:
    (path,) = export("livelink_csv", ExportRequest(scores), tmp_path / "take.csv")
    path.write_text(path.read_text().replace("JawOpen", "Jaw"))
    with pytest.raises(DataError, match="column 'jawOpen' is missing") as caught:
        load_predictions(path)
    assert "unknown column 'Jaw'" in str(caught.value)
