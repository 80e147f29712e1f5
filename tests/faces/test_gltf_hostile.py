"""Broken and malicious files: a plain DataError each, no crash, no reading elsewhere, no memory wasted."""

import json
import struct
import tracemalloc

import numpy as np
import pytest
from foreign_gltf import Draft, pack_glb
from hostile_gltf import CASES, sound
from hostile_gltf import packed as pack_positions

from emo3d_exp.errors import DataError
from emo3d_exp.faces import Rig, read_gltf


def test_the_sound_file_is_sound(tmp_path):
    rig = read_gltf(sound().save(tmp_path / "face.glb"))
    assert len(rig.missing) == 49 and len(rig.faces) == 2


@pytest.mark.parametrize("case", CASES)
def test_each_defect_is_named(tmp_path, case):
    spoil, message = CASES[case]
    draft = sound()
    spoil(draft)
    path = draft.save(tmp_path / "face.glb")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message) as error:
            read_gltf(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_files_cut_anywhere(tmp_path):
    whole = sound().save(tmp_path / "whole.glb").read_bytes()
    path = tmp_path / "cut.glb"
    for end in (*range(0, 40), *range(40, len(whole), 37)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"cut\.glb"):
            read_gltf(path)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (4, 1, "is glTF 1; convert"),
        (4, 99, "is glTF 99"),
        (8, 2**31, "of 2147483648 bytes are there"),
        (8, 12, "does not begin with a JSON chunk"),
        (12, 2**32 - 1, "chunk of 4294967295 bytes does not fit"),
        (12, 8, "damaged glTF"),
        (16, 0x46464646, "does not begin with a JSON chunk"),
    ],
)
def test_wrong_lengths_and_kinds_of_chunks(tmp_path, offset, value, message):
    content = bytearray(sound().save(tmp_path / "face.glb").read_bytes())
    struct.pack_into("<I", content, offset, value)
    (tmp_path / "face.glb").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_gltf(tmp_path / "face.glb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{ not json", "damaged glTF"),
        (b"{" * 100_000, "damaged glTF"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"asset":{"version":"2.0"},"scene":NaN}', "NaN is no JSON number"),
        (b'{"asset":{"version":"2.0"},"scene":' + b"9" * 10_000 + b"}", "damaged glTF"),
        (b'{"asset":{"version":"2.0"},"name":"\xff\xfe"}', "damaged glTF"),
        (b'{"asset":[]}', "asset must be an object"),
        (b'{"asset":{"version":2}}', "needs a string as 'version'"),
        (b"[1, 2]", "the document must be an object"),
        (b"", "damaged glTF"),
    ],
)
def test_bad_json(tmp_path, text, message):
    path = tmp_path / "face.glb"
    path.write_bytes(pack_glb(text))
    with pytest.raises(DataError, match=message):
        read_gltf(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page.*raw file"),
        (b"<HTML><head>", "web page"),
        (b"<?xml version='1.0'?><COLLADA>", "is XML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "git lfs pull"),
        (b"PK\x03\x04rest", "zip archive; unpack"),
        (b"\x1f\x8b\x08rest", "gzipped"),
        (b"Kaydara FBX Binary  \0", "FBX"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"v 0 0 0\nf 1 1 1\n", "starts with b'v 0 0 0"),
    ],
)
def test_what_is_no_gltf_is_recognised(tmp_path, content, message):
    path = tmp_path / "face.glb"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"face.glb is not glTF: it .*{message}|{message}"):
        read_gltf(path)


def external(folder, uri, kind="buffers"):
    """A .gltf whose buffer or picture is behind ``uri``."""
    draft = sound()
    document = draft.document("data.bin")
    (folder / "data.bin").write_bytes(draft.blob)
    if kind == "images":
        document["images"] = [{"uri": uri}]
    else:
        document["buffers"][0]["uri"] = uri
    path = folder / "face.gltf"
    path.write_text(json.dumps(document))
    return path


TRICKS = {
    "../secret.bin": "leaves its folder",
    "sub/../../secret.bin": "leaves its folder",
    "%2e%2e/secret.bin": "leaves its folder",
    "%2E%2E%2Fsecret.bin": "leaves its folder",
    "%252e%252e/secret.bin": "does not lie beside",
    "..\\secret.bin": "leaves its folder",
    "{absolute}": "leaves its folder",
    "//{absolute}": "leaves its folder",
    "%2F{absolute}": "leaves its folder",
    "file:{absolute}": "only files beside it",
    "FILE://{absolute}": "only files beside it",
    "http://localhost/secret.bin": "only files beside it",
    "ftp:secret.bin": "only files beside it",
    "C:\\secret.bin": "only files beside it",
    "link.bin": "leaves its folder",
    "linked/secret.bin": "leaves its folder",
    "loop": "no file name|cannot be read|does not lie beside",
    "none.bin": "does not lie beside",
    "sub": "does not lie beside",
    ".": "does not lie beside",
    "": "does not lie beside",
    "a%00b": "no file name|leaves its folder",
    "\ud800": "no file name",
    "x" * 5000: "cannot be read|does not lie beside|no file name",
    "data:application/octet-stream;base64,!!!": "cannot be decoded",
    "data:application/octet-stream;base64,A": "cannot be decoded",
    "data:application/octet-stream;base64": "without data",
    "data:,short": "5 are there|no readable PNG",
    "data:,\ud800": "cannot be decoded",
}


@pytest.mark.parametrize("kind", ["buffers", "images"])
@pytest.mark.parametrize("uri", TRICKS, ids=[repr(uri)[:40] for uri in TRICKS])
def test_nothing_outside_the_folder_is_read(tmp_path, monkeypatch, uri, kind):
    folder = tmp_path / "rig"
    (folder / "sub").mkdir(parents=True)
    canary = tmp_path / "secret.bin"
    canary.write_bytes(sound().blob)
    (folder / "link.bin").symlink_to(canary)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    path = external(folder, uri.replace("{absolute}", str(canary)), kind)
    opened = []
    monkeypatch.setattr("pathlib.Path.read_bytes", recording(opened))
    with pytest.raises(DataError, match=TRICKS[uri]) as error:
        read_gltf(path)
    assert str(path) in str(error.value)
    assert {name.resolve() for name in opened} <= {path, folder / "data.bin"}


def recording(opened):
    def read(path):
        opened.append(path)
        with open(path, "rb") as file:
            return file.read()

    return read


def test_a_link_within_the_folder_is_followed(tmp_path):
    path = external(tmp_path, "link.bin")
    (tmp_path / "link.bin").symlink_to(tmp_path / "data.bin")
    assert len(read_gltf(path).faces) == 2


def test_many_copies_of_one_mesh_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("emo3d_exp.faces.primitives.MAX_PIECES", 10)
    monkeypatch.setattr("emo3d_exp.faces.scene_nodes.MAX_NODES", 20)
    draft = Draft()
    draft.square()
    draft.json["nodes"] *= 11
    with pytest.raises(DataError, match="more than 10 pieces"):
        read_gltf(draft.save(tmp_path / "face.glb"))
    draft.json["nodes"] *= 2
    with pytest.raises(DataError, match="more than 20 nodes"):
        read_gltf(draft.save(tmp_path / "face.glb"))


def test_many_pieces_share_one_budget_of_vertices(tmp_path):
    draft = Draft()
    draft.square()
    draft.json["accessors"][0] = {"count": 200_000, "type": "VEC3", "componentType": 5126}
    draft.json["meshes"][0]["primitives"][0].pop("targets")
    draft.json["nodes"] *= 2
    with pytest.raises(DataError, match="is too much"):
        read_gltf(draft.save(tmp_path / "face.glb"))


@pytest.mark.parametrize("pack", [False, True])
def test_flipped_bytes_either_read_or_are_refused(tmp_path, pack):
    draft = sound()
    if pack:
        pack_positions()(draft)
    whole = draft.save(tmp_path / "face.glb").read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(200):
        content = bytearray(whole)
        content[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        (tmp_path / "face.glb").write_bytes(content)
        try:
            outcomes.add(type(read_gltf(tmp_path / "face.glb")))
        except DataError as error:
            assert "face.glb" in str(error)
            outcomes.add(DataError)
    assert outcomes == {Rig, DataError}
