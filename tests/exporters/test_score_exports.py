"""ARKit JSON and Live Link CSV, read by json and csv."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from emo3d_exp.exporters import ExportRequest, export_bytes
from emo3d_exp.exporters.live_link import timecode
from emo3d_exp.vocab import (
    ARKIT_NAMES,
    BLENDSHAPE_INDEX,
    BLENDSHAPES,
    LIVE_LINK_COLUMNS,
    LIVE_LINK_NAMES,
)

ANGLES = ("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
          "RightEyeYaw", "RightEyePitch", "RightEyeRoll")  # fmt: skip


def scores_of(face: dict[str, float]) -> np.ndarray:
    assert list(face) == list(ARKIT_NAMES) and face["tongueOut"] == 0 and "_neutral" not in face
    return np.array([face[name] for name in BLENDSHAPES[1:]])


def test_one_face_is_an_object_of_52_names(blendshapes: np.ndarray) -> None:
    exported = export_bytes("arkit_json", ExportRequest(blendshapes[0]))
    assert (exported.suffix, exported.mime) == (".json", "application/json")
    np.testing.assert_array_equal(
        scores_of(json.loads(exported.content)).astype(np.float32), blendshapes[0, 1:]
    )


def test_several_faces_are_a_list_with_texts_and_keys(request_of: ExportRequest) -> None:
    request = replace(request_of, sample_id=np.array([5, 5, 2**60]), text_number=np.array([1, 2, 1]))
    listed = json.loads(export_bytes("arkit_json", request).content)
    assert [face["sample_id"] for face in listed] == [5, 5, 2**60]
    assert [face["text_number"] for face in listed] == [1, 2, 1]
    assert tuple(face["text"] for face in listed) == request.captions
    for face, expected in zip(listed, request.blendshapes, strict=True):
        np.testing.assert_array_equal(scores_of(face["blendshapes"]).astype(np.float32), expected[1:])


def test_scores_are_clipped() -> None:
    face = np.full(52, 0.5)
    face[BLENDSHAPE_INDEX["jawOpen"]], face[BLENDSHAPE_INDEX["jawLeft"]] = 1.25, -0.5
    written = json.loads(export_bytes("arkit_json", ExportRequest(face)).content)
    assert (written["jawOpen"], written["jawLeft"], written["jawRight"]) == (1, 0, 0.5)


def rows_of(content: bytes) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(content.decode()))
    assert all(len(row) == len(header) == 63 for row in rows)
    return header, rows


def test_live_link_has_the_apps_columns(blendshapes: np.ndarray) -> None:
    header, rows = rows_of(export_bytes("livelink_csv", ExportRequest(blendshapes)).content)
    assert header[:3] == ["Timecode", "BlendshapeCount", "EyeBlinkLeft"]
    assert tuple(header[2:]) == LIVE_LINK_COLUMNS
    assert (header[16:20], header[53]) == (["JawForward", "JawRight", "JawLeft", "JawOpen"], "TongueOut")
    assert set(LIVE_LINK_COLUMNS) == {*LIVE_LINK_NAMES, "TongueOut", *ANGLES}
    assert tuple(header[54:]) == ANGLES
    assert [row[0] for row in rows] == ["00:00:00:00.000", "00:00:00:01.000", "00:00:00:02.000"]
    for row, face in zip(rows, blendshapes, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["BlendshapeCount"] == "61"
        for name, score in zip(BLENDSHAPES[1:], face[1:], strict=True):
            assert float(cells[name[0].upper() + name[1:]]) == pytest.approx(score, abs=1e-10)
        assert {float(cells[name]) for name in ("TongueOut", *ANGLES)} == {0.0}


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (0, "00:00:00:00.000"),
        (1 / 30, "00:00:00:02.000"),
        (0.99999999, "00:00:01:00.000"),
        (59.5, "00:00:59:30.000"),
        (3661 + 1 / 24, "01:01:01:02.500"),
        (1 / 7, "00:00:00:08.571"),
        (86400, "00:00:00:00.000"),
    ],
)
def test_timecode(seconds: float, code: str) -> None:
    assert timecode(seconds) == code


@pytest.mark.parametrize("fps", [None, 24.0, 60.0])
def test_live_link_movement_keeps_time_and_reaches_every_face(
    blendshapes: np.ndarray, fps: float | None
) -> None:
    request = ExportRequest(blendshapes, seconds=1.5, fps=fps)
    header, rows = rows_of(export_bytes("livelink_animation", request).content)
    parts = [[float(part) for part in row[0].split(":")] for row in rows]
    times = np.array([3600 * h + 60 * m + s + ticks / 60 for h, m, s, ticks in parts])
    np.testing.assert_allclose(times, np.arange(len(rows)) / (fps or 60), atol=1e-5)
    assert times[-1] == pytest.approx(3 * 1.5 + 0.4 * 1.5, abs=1 / 24)
    values = np.array([[float(cell) for cell in row[2:]] for row in rows])
    jaw = values[:, header.index("JawOpen") - 2]
    assert jaw[0] == jaw[-1] == 0
    for row, score in enumerate(blendshapes[:, BLENDSHAPE_INDEX["jawOpen"]]):
        assert jaw[np.abs(times - (1.5 * row + 1.2)).argmin()] == pytest.approx(score, abs=1e-6)
