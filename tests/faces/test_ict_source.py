"""Reading checkouts and archives of ICT-FaceKit: formats, broken files, hostile archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ict_checkout import Checkout

from emo3d_exp.errors import DataError
from emo3d_exp.faces.ict import source
from emo3d_exp.faces.ict.convert import convert
from emo3d_exp.faces.ict.meshes import parse_meshes
from emo3d_exp.faces.ict.obj import parse_polygons, parse_vertices, triangulate
from emo3d_exp.faces.ict.source import read_meshes, source_hash
from emo3d_exp.faces.ict.topology import EXPRESSIONS, UNUSED_SHAPES, source_shapes
from emo3d_exp.vocab import MORPH_TARGETS


@pytest.fixture(scope="module")
def made() -> Checkout:
    return Checkout()


@pytest.fixture(scope="module")
def checkout(made: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("ict") / "ICT-FaceKit")


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    quick = {"w:xz": {"preset": 0}, "w:gz": {"compresslevel": 1}}.get(mode, {})
    with tarfile.open(path, mode, **quick) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def members_of(checkout: Path) -> dict[str, bytes]:
    return {f"ICT-FaceKit/FaceXModel/{f.name}": f.read_bytes() for f in (checkout / "FaceXModel").iterdir()}


def test_shapes_cover_the_toolkits_and_sum_to_ours():
    assert len(EXPRESSIONS) == len(set(EXPRESSIONS)) == 53 and not set(EXPRESSIONS) & set(UNUSED_SHAPES)
    assert source_shapes("browInnerUp") == ("browInnerUp_L", "browInnerUp_R")
    assert source_shapes("cheekPuff") == ("cheekPuff_L", "cheekPuff_R")
    assert source_shapes("mouthLeft") == ("mouthLeft",) and source_shapes("jawRight") == ("jawRight",)
    assert source_shapes("mouthSmileLeft") == ("mouthSmile_L",)
    assert source_shapes("eyeLookInRight") == ("eyeLookIn_R",)
    assert {name for target in MORPH_TARGETS for name in source_shapes(target)} == set(EXPRESSIONS)


def test_vertices_agree_with_reading_line_by_line(made):
    data = made.obj("jawOpen").replace(b"\n", b"\r\n")
    expected = [[float(w) for w in line.split()[1:]] for line in data.splitlines() if line[:2] == b"v "]
    np.testing.assert_array_equal(parse_vertices(data, "jawOpen.obj"), expected)


@pytest.mark.parametrize("line", [b"v 1 2", b"v 1 2 3 4", b"v 1 nan 2", b"v 1 2 inf", b"v 1 2 x", b"v a b c"])
def test_a_broken_vertex_is_named_with_its_line(line):
    with pytest.raises(DataError, match=r"m\.obj:3: .* is not a vertex"):
        parse_vertices(b"# c\nv 0 0 0\n" + line + b"\nv 0 0 1\n", "m.obj")


def test_a_file_without_vertices_is_refused():
    with pytest.raises(DataError, match="no vertices"):
        parse_vertices(b"<html>404</html>", "m.obj")


@pytest.mark.parametrize("line", [b"f 1 2", b"f 1 2 9", b"f 0 1 2", b"f 1/1 2/2 x/3", b"f -1 -2 -3"])
def test_a_broken_face_is_named_with_its_line(line):
    with pytest.raises(DataError, match=r"m\.obj:2: .* is not a face"):
        parse_polygons(b"v 0 0 0\n" + line, "m.obj", 3)


def test_polygons_keep_winding_and_quads_are_cut_along_the_shorter_diagonal():
    corners = np.array([[0, 0, 0], [2, 0, 0], [2.5, 1, 0], [0, 1, 0], [1, 2, 0]], float)
    triangles = triangulate([(0, 1, 2, 3), (0, 1, 4), (0, 1, 2, 4, 3)], corners)
    normals = np.cross(corners[triangles[:, 1]] - corners[triangles[:, 0]],
                       corners[triangles[:, 2]] - corners[triangles[:, 0]])  # fmt: skip
    assert (normals[:, 2] > 0).all() and len(triangles) == 1 + 3 + 2
    assert {frozenset(t) for t in triangles[-2:].tolist()} == {frozenset({1, 2, 3}), frozenset({0, 1, 3})}


@pytest.mark.parametrize("form", ["folder", "inner folder", "tar.xz", "tar.gz", "zip"])
def test_folders_and_archives_hold_the_same(form, made, checkout, tmp_path):
    expected = {f"{stem}.obj": made.obj(stem) for stem in made.positions}
    members = members_of(checkout) | {"ICT-FaceKit/README.md": b"x", "ICT-FaceKit/Scripts/jawOpen.obj": b"no"}
    if form == "zip":
        place = tmp_path / "a.zip"
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    elif form.startswith("tar"):
        place = tar_of(tmp_path / f"a.{form}", members, "w:" + form.removeprefix("tar."))
    else:
        place = checkout / "FaceXModel" if form == "inner folder" else checkout
    assert dict(read_meshes(place)) == expected


def test_the_hash_follows_the_content(made, tmp_path):
    one, other = made.write(tmp_path / "one"), made.write(tmp_path / "other")
    assert source_hash(one) == source_hash(other) == source_hash(one / "FaceXModel")
    file = other / "FaceXModel" / "jawOpen.obj"
    file.write_bytes(file.read_bytes().replace(b"# made up", b"# made  up"))
    assert source_hash(one) != source_hash(other)


@pytest.mark.parametrize(
    "name", ["../FaceXModel/jawOpen.obj", "/x/FaceXModel/jawOpen.obj", "a\\..\\jawOpen.obj"]
)
def test_paths_that_leave_the_archive_are_refused(name, checkout, tmp_path):
    archive = tar_of(tmp_path / "a.tar", members_of(checkout) | {name: b"v 0 0 0\n"})
    with pytest.raises(DataError, match="leads out of the archive"):
        dict(read_meshes(archive))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("x/FaceXModel/jawOpen.obj")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match="is a link or device"):
        dict(read_meshes(tmp_path / "a.tar"))


def test_archives_of_unlikely_size_are_refused(checkout, tmp_path, monkeypatch):
    archive = tar_of(tmp_path / "a.tar", members_of(checkout))
    monkeypatch.setattr(source, "FILE_LIMIT", 1000)
    with pytest.raises(DataError, match="more than any mesh"):
        dict(read_meshes(archive))
    monkeypatch.setattr(source, "TOTAL_LIMIT", 5000)
    with pytest.raises(DataError, match="too large"):
        dict(read_meshes(archive))


def test_damaged_archives_are_refused(checkout, tmp_path):
    whole = tar_of(tmp_path / "a.tar.xz", members_of(checkout), "w:xz").read_bytes()
    (tmp_path / "cut.tar.xz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "page.tar.xz").write_text("<html>not found</html>")
    for name in ("cut.tar.xz", "page.tar.xz"):
        with pytest.raises(DataError, match=f"{name}: not a readable archive"):
            dict(read_meshes(tmp_path / name))


@pytest.mark.parametrize(("place", "value", "told"), [(6, 1, "encrypted"), (8, 77, "compression")])
def test_zips_that_cannot_be_unpacked_are_refused(place, value, told, tmp_path):
    """The flags' first byte says that a member is encrypted; two bytes on stands how it is compressed."""
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x/FaceXModel/jawOpen.obj", b"v 0 0 0\n")
    data = bytearray(packed.read_bytes())
    listed = data.index(b"PK\x01\x02")
    data[place], data[listed + place + 2] = value, value
    packed.write_bytes(data)
    with pytest.raises(DataError, match=rf"a\.zip: not a readable archive.*{told}"):
        dict(read_meshes(packed))


def test_what_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no FaceXModel/generic_neutral_mesh\.obj"):
        dict(read_meshes(tmp_path))
    with pytest.raises(DataError, match="no such file or folder"):
        dict(read_meshes(tmp_path / "none"))


def test_missing_and_foreign_meshes_are_named(made):
    files = {f"{stem}.obj": made.obj(stem) for stem in made.positions}
    without = {name: data for name, data in files.items() if name not in ("jawOpen.obj", "mouthClose.obj")}
    with pytest.raises(DataError, match=r"here: no jawOpen\.obj, mouthClose\.obj"):
        parse_meshes(without.items(), "here", made.topology)
    longer = files | {"jawLeft.obj": files["jawLeft.obj"] + b"v 0 0 0\n"}
    count = made.topology.count
    with pytest.raises(DataError, match=rf"jawLeft\.obj has {count + 1} vertices.*have {count}"):
        parse_meshes(longer.items(), "here", made.topology)


def test_identities_are_optional(made):
    files = [(f"{stem}.obj", made.obj(stem)) for stem in made.positions if "identity" not in stem]
    arrays = convert(parse_meshes(files, "here", made.topology), made.topology)
    assert arrays["identities"].shape == (0, len(arrays["neutral"]), 3)
