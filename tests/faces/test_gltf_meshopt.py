import logging
import sys
from pathlib import Path

import meshoptimizer
import numpy as np
import pytest
from foreign_gltf import CORNERS, PUSH, SQUARE, Draft

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces import PARTS, read_gltf
from emo3d_exp.faces.gltf_entries import Entry
from emo3d_exp.faces.meshopt import unpack
from emo3d_exp.vocab import MORPH_TARGETS


def packed_entry(count, stride, mode, filtering="NONE"):
    settings = {"count": count, "byteStride": stride, "mode": mode, "filter": filtering}
    return Entry(settings, "bufferViews[0].extensions.EXT_meshopt_compression", Path("face.glb"))


def unpacked(rows, filtering="NONE"):
    """``rows`` (N, width) packed as attributes and unpacked with a filter, in the same type."""
    stride = rows.itemsize * rows.shape[1]
    source = memoryview(meshoptimizer.encode_vertex_buffer(rows))
    data = unpack(packed_entry(len(rows), stride, "ATTRIBUTES", filtering), source, rows.nbytes)
    return np.frombuffer(data, rows.dtype).reshape(rows.shape)


def turned_to_smallest_first(faces):
    return [tuple(np.roll(face, -int(np.argmin(face)))) for face in faces]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("kind", ["<f4", "<i2", "u1"])
def test_attributes_come_back(kind, version):
    rows = np.random.default_rng(0).integers(0, 100, (1000, 4)).astype(kind)
    meshoptimizer.encode_vertex_version(version)
    try:
        np.testing.assert_array_equal(unpacked(rows), rows)
    finally:
        meshoptimizer.encode_vertex_version(0)


@pytest.mark.parametrize("stride", [2, 4])
def test_triangles_and_sequences_come_back(stride):
    flat = np.random.default_rng(1).integers(0, 200, 300).astype("<u4")
    for mode, encode in (
        ("TRIANGLES", meshoptimizer.encode_index_buffer),
        ("INDICES", meshoptimizer.encode_index_sequence),
    ):
        source = memoryview(encode(flat, vertex_count=200))
        data = unpack(packed_entry(300, stride, mode), source, 300 * stride)
        back = np.frombuffer(data, f"<u{stride}")
        if mode == "INDICES":
            np.testing.assert_array_equal(back, flat)
        else:
            expected = turned_to_smallest_first(flat.reshape(-1, 3))
            assert turned_to_smallest_first(back.reshape(-1, 3)) == expected


def test_exponential_filter():
    rng = np.random.default_rng(2)
    mantissa, exponent = rng.integers(-(2**23), 2**23, (50, 3)), rng.integers(-30, 4, (50, 3))
    rows = ((exponent & 0xFF) << 24 | (mantissa & 0xFFFFFF)).astype("<u4").view("<i4")
    back = unpacked(rows, "EXPONENTIAL").view("<f4")
    np.testing.assert_array_equal(back, np.ldexp(mantissa.astype(np.float32), exponent))


@pytest.mark.parametrize(("kind", "top"), [("i1", 127), ("<i2", 32767)])
def test_octahedral_filter(kind, top):
    rng = np.random.default_rng(3)
    u, v = rng.integers(-top, top + 1, (2, 64))
    rows = np.stack([u, v, np.full(64, top), np.arange(64)], axis=1).astype(kind)
    back = unpacked(rows, "OCTAHEDRAL")
    for x, y, got in zip(u / top, v / top, back, strict=True):
        z = 1 - abs(x) - abs(y)
        if z < 0:
            x, y = (1 - abs(y)) * np.copysign(1, x), (1 - abs(x)) * np.copysign(1, y)
        normal = np.array([x, y, z])
        np.testing.assert_allclose(got[:3], normal / np.linalg.norm(normal) * top, atol=1.01)
    np.testing.assert_array_equal(back[:, 3], np.arange(64))


def test_quaternion_filter():
    rng = np.random.default_rng(4)
    largest = np.arange(40) % 4
    small = rng.integers(-1000, 1000, (40, 3))
    rows = np.c_[small, 2047 // 4 * 4 + largest].astype("<i2")
    back = unpacked(rows, "QUATERNION") / 32767
    for values, place, got in zip(small, largest, back, strict=True):
        rest = values / (2047 // 4 * 4 | 3) / np.sqrt(2)
        expected = np.zeros(4)
        expected[(place + np.arange(1, 4)) % 4] = rest
        expected[place] = np.sqrt(1 - (rest**2).sum())
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize(("kind", "top"), [("u1", 255), ("<u2", 65535)])
@pytest.mark.parametrize("bits", [6, 8])
def test_colour_filter(kind, top, bits):
    rng = np.random.default_rng(5)
    most = 2**bits - 1
    rows, expected = [], []
    while len(rows) < 60:
        luma, orange, green = rng.integers((0, -most // 2, -most // 2), (most, most // 2, most // 2))
        rgb = [luma + orange - green, luma + green, luma - orange - green]
        alpha = int(rng.integers(2 ** (bits - 1))) * 2
        alpha |= alpha >> 1 & 1  # The lowest bit is not stored, but repeats the one above.
        if min(rgb) >= 0 and max(rgb) <= most:
            rows.append([luma, orange % (top + 1), green % (top + 1), 2 ** (bits - 1) | alpha >> 1])
            expected.append([round(value * top / most + 1e-9) for value in (*rgb, alpha)])
    np.testing.assert_array_equal(unpacked(np.array(rows).astype(kind), "COLOR"), expected)


def pack_views(draft, extension="EXT_meshopt_compression", triangles=()):
    """Every view of a draft packed in the way of gltfpack: a fallback buffer that holds nothing."""
    blob = bytearray()
    for index, view in enumerate(draft.json["bufferViews"]):
        start, length = view["byteOffset"], view["byteLength"]
        raw = bytes(draft.blob[start : start + length])
        stride = 2 if index in triangles else view["byteStride"]
        if index in triangles:
            source = meshoptimizer.encode_index_buffer(np.frombuffer(raw, "<u2"))
        else:
            source = meshoptimizer.encode_vertex_buffer(np.frombuffer(raw, "u1").reshape(-1, stride))
        blob += b"\0" * (-len(blob) % 4)
        view["extensions"] = {
            extension: {
                "buffer": 0,
                "byteOffset": len(blob),
                "byteLength": len(source),
                "byteStride": stride,
                "mode": "TRIANGLES" if index in triangles else "ATTRIBUTES",
                "count": length // stride,
            }
        }
        view["buffer"] = 1
        blob += source
    draft.blob = blob
    draft.json["extensionsUsed"] = draft.json["extensionsRequired"] = [extension, "KHR_mesh_quantization"]


def quantised(draft, rows, kind, **settings):
    padded = np.zeros((len(rows), 4), kind)
    padded[:, :3] = rows
    view = draft.view(padded.tobytes(), byteStride=padded.itemsize * 4)
    return draft.accessor(np.asarray(rows).astype(kind), bufferView=view, **settings)


def facecap_like(path, extension="EXT_meshopt_compression"):
    """Packed, quantised, ``blendShape1.*`` with ``_L``/``_R``, a KTX2 texture, an eyeball in a node."""
    draft = Draft()
    image = draft.accessor(SQUARE[:, :2].copy())
    draft.json["images"] = [{"mimeType": "image/ktx2", "bufferView": 0}]
    draft.json["bufferViews"][0]["byteStride"] = 8
    draft.json["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    surface = {"baseColorTexture": {"index": 0}, "baseColorFactor": [0.8, 0.5, 0.4, 1]}
    draft.json["materials"] = [{"name": "skin", "pbrMetallicRoughness": surface}]
    names = ("blendShape1.browInnerUp", "blendShape1.browDown_L", "blendShape1.browDown_R")
    shapes = [PUSH, PUSH * 0.5, PUSH * 0.25]
    position = quantised(draft, SQUARE * 16383, "<u2")
    corners = draft.view(CORNERS.tobytes())
    indices = draft.accessor(CORNERS, bufferView=corners)
    targets = [{"POSITION": quantised(draft, np.round(shape * 16383), "<i2")} for shape in shapes]
    attributes = {"POSITION": position, "TEXCOORD_0": image}
    primitive = {"attributes": attributes, "indices": indices, "targets": targets, "material": 0}
    draft.add("meshes", primitives=[primitive], extras={"targetNames": list(names)})
    draft.add("meshes", primitives=[{"attributes": {"POSITION": position}, "indices": indices}])
    draft.add("nodes", mesh=0, scale=[2 / 16383] * 3, translation=[-1, -1, 0])
    draft.add("nodes", name="eyeLeft", children=[2], translation=[5, 0, 0])
    draft.add("nodes", name="eyeLeft", mesh=1, scale=[1 / 16383] * 3)
    draft.add("nodes", children=[0, 1], scale=[10, 10, 10])
    pack_views(draft, extension, triangles=(corners,))
    whole = draft.document()
    whole["buffers"].append({"byteLength": 1000, "extensions": {extension: {"fallback": True}}})
    draft.json["buffers"] = whole["buffers"]
    return draft.save(path)


@pytest.mark.parametrize("extension", ["EXT_meshopt_compression", "KHR_meshopt_compression"])
def test_a_face_as_gltfpack_leaves_it(tmp_path, caplog, extension):
    with caplog.at_level(logging.WARNING):
        rig = read_gltf(facecap_like(tmp_path / "face.glb", extension))
    assert "textures[0] is not PNG, JPEG or WebP" in caplog.text
    np.testing.assert_allclose(rig.neutral[:4], (SQUARE * 2 - [1, 1, 0]) * 10, atol=1e-3)
    np.testing.assert_allclose(rig.neutral[4:], np.add(SQUARE, [5, 0, 0]) * 10, atol=1e-3)
    for name, size in (("browInnerUp", 20), ("browDownLeft", 10), ("browDownRight", 5)):
        np.testing.assert_allclose(rig.deltas[MORPH_TARGETS.index(name), :4], PUSH * size, atol=1e-3)
    assert len(rig.missing) == 48
    assert turned_to_smallest_first(rig.faces[:2]) == [(0, 1, 2), (0, 2, 3)]
    np.testing.assert_allclose(rig.colors[:4], np.tile(np.float32([0.8, 0.5, 0.4]), (4, 1)))
    assert set(rig.part[4:]) == {PARTS.index("eye_left")}


def test_without_the_package_the_cure_is_told(tmp_path, monkeypatch):
    path = facecap_like(tmp_path / "face.glb")
    monkeypatch.setitem(sys.modules, "meshoptimizer", None)
    with pytest.raises(ConfigError, match="pip install 'meshoptimizer"):
        read_gltf(path)
