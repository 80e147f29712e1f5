"""The formats as a whole: names, files, meshes and pictures, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters import FORMATS, ExportRequest, export, export_bytes
from emo3d_exp.faces import Rig
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
    np.testing.assert_allclose(numbers[:, 3:], to_display(rig.colors), atol=1e-4)
    corners = np.array([[corner.split("//") for corner in face] for face in table["f"]], int) - 1
    np.testing.assert_array_equal(corners[..., 0], rig.faces)
    np.testing.assert_array_equal(corners[..., 1], rig.faces)
    normals = np.array(table["vn"], float)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-3) and normals[17, 2] > 0


def test_obj_is_read_by_trimesh(request_of: ExportRequest, rig: Rig) -> None:
    import trimesh

    request = replace(request_of, blendshapes=request_of.blendshapes[1:2], captions=())
    read = trimesh.load(io.BytesIO(export_bytes("obj", request).content), file_type="obj", process=False)
    np.testing.assert_allclose(read.vertices, rig.vertices(request.blendshapes)[0], atol=1e-6)
    np.testing.assert_array_equal(read.faces, rig.faces)


def test_png_is_a_portrait_of_the_size(request_of: ExportRequest) -> None:
    one = replace(request_of, blendshapes=request_of.blendshapes[:1], captions=())
    picture = np.asarray(Image.open(io.BytesIO(export_bytes("png", one).content)))
    assert picture.shape == (64, 64, 3) and picture.std() > 5
    np.testing.assert_array_equal(picture, one.drawing().render(one.blendshapes)[0])


def test_an_unknown_format_names_those_there_are(request_of: ExportRequest) -> None:
    with pytest.raises(ConfigError, match=r"unknown format 'fbx': choose arkit_json, .*, png") as caught:
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


def test_a_place_that_cannot_be_written_is_told(blendshapes: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "face.json", tmp_path):
        with pytest.raises(ConfigError, match=r"cannot write .*out=…"):
            export("arkit_json", ExportRequest(blendshapes), place)
    with pytest.raises(ConfigError, match=r"give the name of a file, such as out=face\.json"):
        export("arkit_json", ExportRequest(blendshapes), "")
