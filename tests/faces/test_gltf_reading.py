import base64
import json
import logging

import numpy as np
import pytest
from foreign_gltf import CORNERS, PUSH, SQUARE, Draft

from emo3d_exp.errors import DataError
from emo3d_exp.faces import PARTS, read_gltf
from emo3d_exp.faces.primitives import _eye
from emo3d_exp.faces.scene_nodes import local_matrix
from emo3d_exp.vocab import MORPH_TARGETS

JAW = MORPH_TARGETS.index("jawOpen")


def jaw_of(path):
    rig = read_gltf(path)
    return rig.neutral, rig.deltas[JAW]


def test_interleaved_attributes_of_any_stride(tmp_path):
    draft = Draft()
    rows = np.zeros((4, 36), np.uint8)
    rows[:, 4:16] = SQUARE.view(np.uint8).reshape(4, 12)
    rows[:, 20:32] = PUSH.view(np.uint8).reshape(4, 12)
    view = draft.view(rows.tobytes(), byteStride=36)
    position = draft.accessor(SQUARE, bufferView=view, byteOffset=4)
    target = draft.accessor(PUSH, bufferView=view, byteOffset=20)
    draft.square(attributes={"POSITION": position}, targets=[{"POSITION": target}])
    neutral, delta = jaw_of(draft.save(tmp_path / "a.glb"))
    np.testing.assert_array_equal(neutral, SQUARE)
    np.testing.assert_array_equal(delta, PUSH)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4"])
def test_sparse_values_over_a_base(tmp_path, kind):
    draft = Draft()
    sparse = {
        "count": 2,
        "indices": {
            "bufferView": draft.view(np.array([1, 3], kind).tobytes()),
            "componentType": {"u1": 5121, "u2": 5123, "u4": 5125}[kind],
        },
        "values": {"bufferView": draft.view(np.array([[1, 2, 3], [4, 5, 6]], "<f4").tobytes())},
    }
    target = draft.accessor(PUSH, sparse=sparse)
    draft.square(targets=[{"POSITION": target}])
    expected = PUSH.copy()
    expected[1], expected[3] = (1, 2, 3), (4, 5, 6)
    np.testing.assert_array_equal(jaw_of(draft.save(tmp_path / "a.glb"))[1], expected)


@pytest.mark.parametrize(("kind", "normalized"), [("i1", True), ("i2", True), ("u2", False), ("i2", False)])
def test_quantised_positions_and_targets(tmp_path, kind, normalized):
    draft = Draft()
    top = np.iinfo(kind).max if normalized else 1
    steps = np.round(SQUARE * (top if normalized else 100)).astype(kind)
    padded = np.zeros((4, 4), kind)
    padded[:, :3] = steps
    view = draft.view(padded.tobytes(), byteStride=padded.itemsize * 4)
    accessor = draft.accessor(steps, bufferView=view, normalized=normalized)
    draft.square(attributes={"POSITION": accessor}, targets=[{"POSITION": accessor}])
    draft.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    neutral, delta = jaw_of(draft.save(tmp_path / "a.glb"))
    np.testing.assert_allclose(neutral, steps / top, atol=1e-6)
    np.testing.assert_allclose(delta, steps / top, atol=1e-6)


def rotated(x, y, z, w, vector):
    """``q v q*`` by Hamilton's product, written out."""

    def product(a, b):
        return np.r_[a[0] * b[0] - a[1:] @ b[1:], a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])]

    q = np.array([w, x, y, z])
    return product(product(q, np.r_[0, vector]), q * [1, -1, -1, -1])[1:]


def test_nested_nodes_compose(tmp_path):
    rng = np.random.default_rng(0)
    turn = rng.normal(size=4)
    turn /= np.linalg.norm(turn)
    outer = np.eye(4)
    outer[:3] = rng.normal(size=(3, 4))
    draft = Draft()
    inner = {"translation": [1, 2, 3], "rotation": turn.tolist(), "scale": [1, 2, 0.5]}
    child = draft.square(node=inner)
    draft.add("nodes", children=[child], matrix=outer.T.ravel().tolist())
    draft.json["scenes"] = [{"nodes": []}, {"nodes": [1]}]
    draft.json["scene"] = 1
    neutral, delta = jaw_of(draft.save(tmp_path / "a.glb"))
    inside = np.add([rotated(*turn, v * [1, 2, 0.5]) for v in SQUARE], [1, 2, 3])
    np.testing.assert_allclose(neutral, inside @ outer[:3, :3].T + outer[:3, 3], atol=1e-5)
    moved = np.array([rotated(*turn, v * [1, 2, 0.5]) for v in PUSH])
    np.testing.assert_allclose(delta, moved @ outer[:3, :3].T, atol=1e-5)


def test_without_scenes_roots_are_the_nodes_that_nothing_holds(tmp_path):
    draft = Draft()
    child = draft.square()
    draft.add("nodes", children=[child], translation=[0, 0, 7])
    assert jaw_of(draft.save(tmp_path / "a.glb"))[0][:, 2].tolist() == [7] * 4


def test_skin_places_each_vertex_by_its_joints(tmp_path):
    draft = Draft()
    first, second = np.eye(4), np.eye(4)
    first[:3, 3], second[:3, :3] = (0, 0, -1), np.diag([2, 2, 2])
    inverse = draft.accessor(np.stack([first.T, second.T]).reshape(2, 16).astype("<f4"))
    joints = draft.accessor(np.array([[0, 1, 0, 0]] * 4, "u1"))
    shares = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.25]])
    weights = draft.accessor(np.c_[shares, np.zeros((4, 2))].astype("<f4"))
    node = draft.square(attributes={"JOINTS_0": joints, "WEIGHTS_0": weights}, node={"skin": 0})
    draft.json["nodes"][node]["translation"] = [100, 0, 0]
    draft.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": inverse}]
    draft.add("nodes", translation=[0, 5, 0])
    draft.add("nodes", scale=[3, 3, 3])
    neutral, delta = jaw_of(draft.save(tmp_path / "a.glb"))
    by_first, by_second = np.add(SQUARE, [0, 5, -1]), SQUARE * 6
    share = shares / shares.sum(1, keepdims=True)
    np.testing.assert_allclose(neutral, share[:, :1] * by_first + share[:, 1:] * by_second)
    np.testing.assert_allclose(delta, PUSH * (share[:, :1] + 6 * share[:, 1:]))


def test_external_buffer_beside_the_file_and_inside_it(tmp_path):
    draft = Draft()
    draft.square()
    (tmp_path / "sub folder").mkdir()
    (tmp_path / "sub folder" / "data.bin").write_bytes(draft.blob)
    encoded = base64.b64encode(bytes(draft.blob)).decode()
    escaped = "".join(f"%{byte:02x}" for byte in draft.blob)
    inline = f"data:application/octet-stream;base64,{encoded}"
    for number, uri in enumerate(("sub%20folder/data.bin", inline, f"data:,{escaped}")):
        path = tmp_path / f"{number}.gltf"
        path.write_text("\ufeff" + json.dumps(draft.document(uri)), encoding="utf-8")
        np.testing.assert_array_equal(jaw_of(path)[0], SQUARE)


def test_primitives_without_indices_lines_and_targets_without_positions(tmp_path):
    draft = Draft()
    mesh = draft.square()
    flat = draft.accessor(SQUARE[CORNERS])
    extra = {"attributes": {"POSITION": flat}}
    lines = {"attributes": {"POSITION": flat}, "mode": 1, "targets": [{}]}
    draft.json["meshes"][mesh]["primitives"] += [extra | {"targets": [{"NORMAL": 0}]}, lines]
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert rig.faces.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert (rig.deltas[JAW, 4:] == 0).all()


def test_names_may_stand_with_the_primitive_or_with_each_target(tmp_path):
    for place in ("primitive", "target"):
        draft = Draft()
        draft.square()
        mesh = draft.json["meshes"][0]
        names = mesh.pop("extras")
        primitive = mesh["primitives"][0]
        holder = primitive if place == "primitive" else primitive["targets"][0]
        holder["extras"] = names if place == "primitive" else {"name": "JAW_OPEN"}
        assert "jawOpen" not in read_gltf(draft.save(tmp_path / "a.glb")).missing


def test_what_is_missing_is_warned_of_once(tmp_path, caplog):
    draft = Draft()
    draft.square()
    with caplog.at_level(logging.WARNING):
        rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert len(caplog.records) == 1 and "lacks 50 of 51" in caplog.text and "eyeBlinkLeft" in caplog.text
    assert len(rig.missing) == 50 and (rig.deltas[1:JAW] == 0).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("EyeLeft",), "eye_left"),
        (("Wolf3D_Avatar", "eyeball_R", ""), "eye_right"),
        (("node", "mesh", "EYE.L"), "eye_left"),
        (("rightEye",), "eye_right"),
        (("eyeLeft", "eyeRight"), None),
        (("Eyes",), None),
        (("EyeLashesLeft",), None),
        (("left_eyebrow",), None),
        (("eyelid_left",), None),
        (("leftHand",), None),
    ],
)
def test_eyes_are_known_by_name(names, expected):
    assert _eye(*names) == expected


def test_named_eyeballs_become_parts(tmp_path):
    draft = Draft()
    draft.square()
    draft.square(names=("tongueIn",), node={"name": "eyeLeft", "translation": [3, 0, 0]})
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert rig.part.tolist() == [0] * 4 + [PARTS.index("eye_left")] * 4
    assert rig.eyes[0].side == "left"


def test_rotations_need_not_be_exactly_of_unit_length():
    from pathlib import Path

    from emo3d_exp.faces.gltf_entries import Entry

    node = Entry({"rotation": [0, 0, 0.7, 0.7]}, "nodes[0]", Path("a.glb"))
    np.testing.assert_allclose(local_matrix(node)[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    with pytest.raises(DataError, match="quaternion"):
        local_matrix(Entry({"rotation": [0, 0, 0, 0]}, "nodes[0]", Path("a.glb")))
