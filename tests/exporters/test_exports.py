"""The formats as a whole: names, files, meshes and pictures, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters import FORMATS, ExportRequest, export, export_bytes
from emo3d_exp.exporters.movement import frames
from emo3d_exp.faces import Rig, portrait
from emo3d_exp.faces.paint import paint_rig
from emo3d_exp.faces.shading import to_display


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_files_with_its_suffix_and_the_same_bytes(
    name: str, request_of: ExportRequest, tmp_path: Path
) -> None:
    suffix, many = FORMATS[name].suffix, FORMATS[name].faces == "many"
    paths = export(name, request_of, tmp_path / "new" / f"face{suffix}")
    numbers = [""] if many else ["", "_2", "_3"]
    assert [path.name for path in paths] == [f"face{number}{suffix}" for number in numbers]
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["new", *(p.name for p in paths)])
    first = request_of if many else replace(
        request_of, blendshapes=request_of.blendshapes[:1], captions=request_of.captions[:1]
    )  # fmt: skip
    assert paths[0].read_bytes() == export_bytes(name, first).content


def test_obj_is_the_posed_mesh_with_colours(request_of: ExportRequest, rig: Rig) -> None:
    request = replace(request_of, blendshapes=request_of.blendshapes[:1], captions=request_of.captions[:1])
    lines = export_bytes("obj", request).content.decode().splitlines()
    assert lines[:3] == ["# ../../etc/passwd", "# v 9 9 9", "o face"]
    table = {
        key: [line.split()[1:] for line in lines if line.startswith(f"{key} ")] for key in ("v", "vn", "f")
    }
    numbers = np.array(table["v"], float)
    np.testing.assert_allclose(numbers[:, :3], rig.vertices(request.blendshapes)[0], atol=1e-6)
    np.testing.assert_allclose(numbers[:, 3:], to_display(paint_rig(rig)), atol=1e-4)
    corners = np.array([[corner.split("//") for corner in face] for face in table["f"]], int) - 1
    np.testing.assert_array_equal(corners[..., 0], rig.faces)
    np.testing.assert_array_equal(corners[..., 1], rig.faces)
    normals = np.array(table["vn"], float)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-3) and normals[17, 2] > 0


def test_obj_is_read_by_trimesh(request_of: ExportRequest, rig: Rig) -> None:
    trimesh = pytest.importorskip("trimesh")

    request = replace(request_of, blendshapes=request_of.blendshapes[1:2], captions=())
    read = trimesh.load(io.BytesIO(export_bytes("obj", request).content), file_type="obj", process=False)
    np.testing.assert_allclose(read.vertices, rig.vertices(request.blendshapes)[0], atol=1e-6)
    np.testing.assert_array_equal(read.faces, rig.faces)


def test_png_is_a_portrait_of_the_size(request_of: ExportRequest) -> None:
    one = replace(request_of, blendshapes=request_of.blendshapes[:1], captions=())
    picture = np.asarray(Image.open(io.BytesIO(export_bytes("png", one).content)))
    assert picture.shape == (64, 64, 3) and picture.std() > 5
    np.testing.assert_array_equal(picture, one.drawing().render(one.blendshapes)[0])


def test_gif_shows_the_movement_and_loops(request_of: ExportRequest) -> None:
    request = replace(request_of, seconds=0.5, fps=20)
    times, poses = frames(request)
    with Image.open(io.BytesIO(export_bytes("gif", request).content)) as picture:
        durations, shown = [], []
        for page in ImageSequence.Iterator(picture):
            durations.append(page.info["duration"])
            shown.append(np.asarray(page.convert("RGB")).astype(int))
        assert (picture.info["loop"], sum(durations)) == (0, 50 * (len(times) - 1))
    expected = request.drawing().render(poses[[0, len(poses) // 2]]).astype(int)
    middle = int(np.searchsorted(np.cumsum(durations), 50 * (len(poses) // 2), side="right"))
    assert np.abs(shown[0] - expected[0]).mean() < 8
    assert np.abs(shown[middle] - expected[1]).mean() < 8 < np.abs(expected[1] - expected[0]).mean()


def test_mp4_shows_the_movement(request_of: ExportRequest, tmp_path: Path) -> None:
    import cv2

    request = replace(request_of, seconds=0.5, fps=20)
    times, poses = frames(request)
    (path,) = export("mp4", request, tmp_path / "face.mp4")
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == 20
    pictures = []
    while (read := video.read())[0]:
        pictures.append(read[1][..., ::-1].astype(int))
    assert len(pictures) == len(times) - 1
    row = len(poses) // 2
    assert np.abs(pictures[row] - request.drawing().render(poses[row])[0]).mean() < 12


@pytest.mark.parametrize("name", ["gif", "mp4"])
def test_a_movement_too_large_to_draw_is_refused(name: str, request_of: ExportRequest) -> None:
    with pytest.raises(ConfigError, match=r"pictures of 4096 x 4096 pixels are too many"):
        export_bytes(name, replace(request_of, size=4096))


def test_movements_that_would_come_out_wrong_are_refused_before_they_are_drawn(
    request_of: ExportRequest,
) -> None:
    with pytest.raises(ConfigError, match="fps=60: a GIF has at most 50"):
        export_bytes("gif", replace(request_of, size=4096, fps=60))
    with pytest.raises(ConfigError, match="65 x 65: give size=66"):
        export_bytes("mp4", replace(request_of, size=65))


def test_an_unknown_format_names_those_there_are(request_of: ExportRequest) -> None:
    with pytest.raises(ConfigError, match=r"unknown format 'fbx': choose arkit_json, .*, mp4") as caught:
        export_bytes("fbx", request_of)
    assert all(name in str(caught.value) for name in FORMATS)


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.faces == "one"])
def test_several_faces_are_not_mixed_in_one(name: str, request_of: ExportRequest) -> None:
    with pytest.raises(ConfigError, match="holds one face, got 3"):
        export_bytes(name, request_of)


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.rig])
def test_a_rig_is_asked_for(name: str, blendshapes: np.ndarray) -> None:
    with pytest.raises(ValueError, match="give one"):
        export_bytes(name, ExportRequest(blendshapes[0]))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fps": 0}, "fps=0: give a number from 1"),
        ({"fps": "x"}, "fps=x: give a number from 1"),
        ({"size": 99.5}, r"size=99\.5: give a whole number"),
        ({"fps": float("nan")}, "fps=nan: give"),
        ({"seconds": -1}, "seconds=-1: give"),
        ({"size": 10**6}, "size=1000000: give"),
    ],
)
def test_settings_have_limits(settings: dict, told: str, blendshapes: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=told):
        ExportRequest(blendshapes, **settings)


def test_a_movement_without_end_is_refused(blendshapes: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="more than 20000 frames"):
        export_bytes("livelink_animation", ExportRequest(blendshapes, seconds=600, fps=240))


@pytest.mark.parametrize(
    "fields",
    [{"blendshapes": np.zeros((2, 51))}, {"blendshapes": np.full(52, np.nan)},
     {"blendshapes": np.zeros((0, 52))}, {"captions": ["one"]}, {"sample_id": np.arange(4)}],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(fields: dict, blendshapes: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"blendshapes|faces but"):
        ExportRequest(**({"blendshapes": blendshapes} | fields))


def test_pictures_show_the_look_that_is_asked_for(request_of: ExportRequest) -> None:
    look = portrait("profile", "side")
    one = replace(request_of, blendshapes=request_of.blendshapes[:1], captions=(), look=look)
    picture = np.asarray(Image.open(io.BytesIO(export_bytes("png", one).content)))
    np.testing.assert_array_equal(picture, one.drawing().render(one.blendshapes, look)[0])
    assert np.abs(picture.astype(int) - one.drawing().render(one.blendshapes)[0]).mean() > 5
    with Image.open(io.BytesIO(export_bytes("gif", replace(one, seconds=0.5)).content)) as moving:
        shown = np.asarray(moving.convert("RGB")).astype(int)
    neutral = one.drawing().render(np.zeros((1, 52)), look)[0]
    assert np.abs(shown - neutral).mean() < 8


@pytest.mark.parametrize(
    ("name", "out", "told"),
    [
        ("png", "a.glb", r"as \.png, not as \.glb; give out=a\.png, or one of format=gltf, gltf_animation"),
        ("gltf", "b/a.gltf", r"as \.glb, not as \.gltf; give out=b/a\.glb$"),
        ("arkit_json", "a.csv", r"out=a\.json, or one of format=livelink_csv, livelink_animation"),
    ],
)
def test_a_suffix_of_another_kind_is_refused(
    name: str, out: str, told: str, request_of: ExportRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=told):
        export(name, request_of, out)
    assert not list(tmp_path.iterdir())


def test_a_suffix_may_be_left_out_or_shouted(blendshapes: np.ndarray, tmp_path: Path) -> None:
    for name in ("face", "face.JSON"):
        (path,) = export("arkit_json", ExportRequest(blendshapes), tmp_path / name)
        assert path == tmp_path / name and path.stat().st_size > 0


def test_a_place_that_cannot_be_written_is_told(blendshapes: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "face.json", tmp_path):
        with pytest.raises(ConfigError, match=r"cannot write .*out=…"):
            export("arkit_json", ExportRequest(blendshapes), place)
    with pytest.raises(ConfigError, match=r"give the name of a file, such as out=face\.json"):
        export("arkit_json", ExportRequest(blendshapes), "")
