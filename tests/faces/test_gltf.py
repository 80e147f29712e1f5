import json
import re

import numpy as np
import pygltflib as gl
import pytest

from emo3d_exp.errors import DataError
from emo3d_exp.faces import load_rig, read_gltf, write_gltf
from emo3d_exp.faces.accessors import AccessorWriter
from emo3d_exp.faces.gltf import compose_gltf
from emo3d_exp.faces.target_names import match_target, match_targets
from emo3d_exp.vocab import LIVE_LINK_NAMES, MORPH_TARGETS

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def foreign_file(path, pieces):
    """A file as others make them: ``pieces`` = (node settings, [(target name, delta)], interleaved)."""
    document = gl.GLTF2()
    writer = AccessorWriter(document)
    for settings, targets, normalized in pieces:
        position = writer.dense(TRIANGLE, gl.ARRAY_BUFFER)
        if normalized:
            steps = [np.round(d * 32767).astype("<i2") for _, d in targets]
            accessors = [writer.dense(s, gl.ARRAY_BUFFER, normalized=True) for s in steps]
        else:
            accessors = [writer.dense(np.asarray(d, "<f4"), gl.ARRAY_BUFFER) for _, d in targets]
        primitive = gl.Primitive(attributes=gl.Attributes(POSITION=position))
        primitive.targets = [{"POSITION": accessor} for accessor in accessors]
        extras = {"targetNames": [name for name, _ in targets]}
        document.meshes.append(gl.Mesh(primitives=[primitive], extras=extras))
        document.nodes.append(gl.Node(mesh=len(document.meshes) - 1, **settings))
    document.scenes, document.scene = [gl.Scene(nodes=list(range(len(document.nodes))))], 0
    writer.finish()
    path.write_bytes(b"".join(document.save_to_bytes()))
    return path


def test_round_trip_keeps_everything(ball, tmp_path, remade):
    masks = {"lips": np.linspace(0, 1, 192, dtype=np.float32), "wrinkle_jawOpen": np.zeros(192, np.float32)}
    rig = remade(ball, masks=masks, part=(np.arange(192) % 8).astype(np.uint8))
    back = load_rig("gltf", write_gltf(rig, tmp_path / "sub" / "ball.glb"))
    step = 2.0 / 65536 * 2
    np.testing.assert_allclose(back.neutral, rig.neutral, atol=1e-6)
    np.testing.assert_allclose(back.deltas, rig.deltas, atol=step)
    np.testing.assert_allclose(back.colors, rig.colors, atol=1e-4)
    np.testing.assert_array_equal(back.faces, rig.faces)
    np.testing.assert_array_equal(back.part, rig.part)
    assert set(back.masks) == set(masks) and back.missing == ()
    np.testing.assert_allclose(back.masks["lips"], masks["lips"], atol=1 / 500)
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["ball.glb"]


def test_writing_twice_gives_the_same_bytes_and_reading_the_same_rig(ball, tmp_path):
    first, second = (write_gltf(ball, tmp_path / name) for name in ("a.glb", "b.glb"))
    assert first.read_bytes() == second.read_bytes()
    again = write_gltf(read_gltf(first), tmp_path / "c.glb")
    assert read_gltf(again).fingerprint == read_gltf(first).fingerprint


def test_exact_keeps_every_number_and_needs_no_extension(ball, tmp_path, remade):
    masks = {"lips": np.random.default_rng(0).random(192, np.float32)}
    rig = remade(ball, masks=masks, part=(np.arange(192) % 8).astype(np.uint8))
    path = write_gltf(rig, tmp_path / "ball.glb", exact=True)
    back, document = read_gltf(path), gl.GLTF2().load(str(path))
    for key in ("neutral", "faces", "colors", "deltas", "part"):
        np.testing.assert_array_equal(getattr(back, key), getattr(rig, key))
    np.testing.assert_array_equal(back.masks["lips"], masks["lips"])
    assert not document.extensionsUsed and not document.extensionsRequired
    assert {accessor.componentType for accessor in document.accessors} <= {
        gl.FLOAT,
        gl.UNSIGNED_SHORT,
        gl.UNSIGNED_BYTE,
    }


@pytest.mark.parametrize("exact", [False, True])
def test_builtin_comes_back_within_a_millionth(builtin, tmp_path, exact):
    back = read_gltf(write_gltf(builtin, tmp_path / "head.glb", exact=exact))
    assert np.abs(back.deltas - builtin.deltas).max() <= 1e-6
    assert np.abs(back.neutral - builtin.neutral).max() <= 1e-6
    np.testing.assert_array_equal(back.faces, builtin.faces)


@pytest.mark.parametrize("exact", [False, True])
def test_weights_open_the_file_posed_and_leave_the_rig_at_rest(ball, tmp_path, exact):
    weights = np.random.default_rng(0).random(51)
    path = write_gltf(ball, tmp_path / "ball.glb", exact=exact, weights=weights)
    assert gl.GLTF2().load(str(path)).meshes[0].weights == weights.tolist()
    np.testing.assert_allclose(read_gltf(path).neutral, ball.neutral, atol=1e-6)
    assert gl.GLTF2().load(str(write_gltf(ball, path))).meshes[0].weights == [0.0] * 51


@pytest.mark.parametrize("weights", [np.zeros(52), np.full(51, np.nan), [0.5]])
def test_wrong_weights_are_refused_before_anything_is_written(ball, tmp_path, weights):
    with pytest.raises(ValueError, match="51 finite numbers"):
        write_gltf(ball, tmp_path / "ball.glb", weights=weights)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["part"], ["lips", "Lips"], ["two words"], [""]])
def test_masks_that_would_be_lost_are_refused(ball, tmp_path, remade, names):
    rig = remade(ball, masks={name: np.zeros(192, np.float32) for name in names})
    with pytest.raises(ValueError, match="mask names"):
        write_gltf(rig, tmp_path / "ball.glb")


def test_a_composed_document_takes_additions(ball, tmp_path):
    head = compose_gltf(ball)
    times = head.writer.dense(np.float32([0, 1]))
    values = head.writer.dense(np.linspace(0, 1, 102, dtype=np.float32))
    sampler = gl.AnimationSampler(input=times, output=values)
    channel = gl.AnimationChannel(sampler=0, target=gl.AnimationChannelTarget(node=0, path="weights"))
    head.document.animations = [gl.Animation(samplers=[sampler], channels=[channel])]
    path = head.save(tmp_path / "ball.glb")
    assert len(gl.GLTF2().load(str(path)).animations) == 1
    np.testing.assert_allclose(read_gltf(path).neutral, ball.neutral, atol=1e-6)


def test_what_viewers_need_is_in_the_file(ball, tmp_path):
    document = gl.GLTF2().load(str(write_gltf(ball, tmp_path / "ball.glb")))
    assert document.meshes[0].extras["targetNames"] == list(MORPH_TARGETS)
    assert len(document.meshes[0].primitives[0].targets) == len(MORPH_TARGETS)
    assert document.materials[0].pbrMetallicRoughness.metallicFactor == 0.0
    assert document.meshes[0].primitives[0].attributes.NORMAL is not None
    for view in document.bufferViews:
        assert view.byteOffset % 4 == 0
        assert view.byteStride is None or view.byteStride % 4 == 0


def test_shipped_asset_is_small(builtin):
    from importlib.resources import files

    from emo3d_exp.faces.loading import BUILTIN_ASSET

    assert len(files("emo3d_exp").joinpath(BUILTIN_ASSET).read_bytes()) < 4e6


def test_several_meshes_transforms_and_names_of_others(tmp_path):
    push = np.tile(np.float32([0.1, 0.2, 0.3]), (3, 1))
    quarter_turn_about_z = [0.0, 0.0, float(np.sin(np.pi / 4)), float(np.cos(np.pi / 4))]
    pieces = [
        ({"translation": [5.0, 0.0, 0.0], "scale": [2.0, 2.0, 2.0]}, [("blendShape1.jawOpen", push)], False),
        ({"rotation": quarter_turn_about_z}, [("head.eyeBlink_L", push), ("tongueOut", push)], True),
    ]
    rig = read_gltf(foreign_file(tmp_path / "two.glb", pieces))
    np.testing.assert_allclose(rig.neutral[:3], TRIANGLE * 2 + [5, 0, 0])
    np.testing.assert_allclose(rig.neutral[3:], TRIANGLE[:, [1, 0, 2]] * [-1, 1, 1], atol=1e-6)
    jaw, blink = (rig.deltas[MORPH_TARGETS.index(n)] for n in ("jawOpen", "eyeBlinkLeft"))
    np.testing.assert_allclose(jaw, np.concatenate([push * 2, push * 0]))
    np.testing.assert_allclose(blink[3:], np.tile([-0.2, 0.1, 0.3], (3, 1)), atol=1e-4)
    np.testing.assert_array_equal(rig.faces, [[0, 1, 2], [3, 4, 5]])
    assert len(rig.missing) == 49 and "jawOpen" not in rig.missing
    assert rig.masks == {} and rig.colors.std() == 0


def test_mirroring_node_keeps_triangles_outward(tmp_path):
    pieces = [({"scale": [-1.0, 1.0, 1.0]}, [("jawOpen", TRIANGLE)], False)]
    rig = read_gltf(foreign_file(tmp_path / "mirror.glb", pieces))
    np.testing.assert_array_equal(rig.faces, [[2, 1, 0]])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("jawOpen", ("jawOpen", "")),
        ("JawOpen", ("jawOpen", "")),
        ("blendShape1.eyeBlink_L", ("eyeBlinkLeft", "")),
        ("eyeBlink.R", ("eyeBlinkRight", "")),
        ("ns:face|eyeBlinkR", ("eyeBlinkRight", "")),
        ("Head_mouth_smile_left", ("mouthSmileLeft", "")),
        ("mouthLeft", ("mouthLeft", "")),
        ("browInnerUp_L", ("browInnerUp", "left")),
        ("mouthFunnel", ("mouthFunnel", "")),
        ("jawOpen.001", ("jawOpen", "")),
        ("eyeBlink_L.012", ("eyeBlinkLeft", "")),
        ("mouthLeft.001", ("mouthLeft", "")),
        ("L_eyeBlink", ("eyeBlinkLeft", "")),
        ("left_eye_blink", ("eyeBlinkLeft", "")),
        ("RightBrowDown", ("browDownRight", "")),
        ("face.R_mouthSmile.002", ("mouthSmileRight", "")),
        ("L_browInnerUp", ("browInnerUp", "left")),
        ("R_mouthLeft", ("mouthLeft", "")),
        ("L_eyeBlinkLeft", ("eyeBlinkLeft", "")),
        ("left_jaw", None),
        ("right_mouth", None),
        ("jawOpen.01", None),
        ("tongueOut", None),
        ("a_" * 300 + "jawOpen", None),
        ("_L", None),
        ("", None),
    ],
)
def test_names(raw, expected):
    assert match_target(raw) == expected


def test_all_names_of_the_vocabulary_and_of_live_link_match_themselves():
    for name, other in zip(MORPH_TARGETS, LIVE_LINK_NAMES, strict=True):
        assert match_target(name) == match_target(other) == (name, "")


def test_all_sided_names_are_known_by_a_side_in_front():
    for name in MORPH_TARGETS:
        side = next((side for side in ("Left", "Right") if name.endswith(side)), None)
        if side is None or name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
            continue
        stem = name.removesuffix(side)
        words = re.sub("([A-Z])", r"_\1", stem).lower()
        for raw in (f"{side[0]}_{stem}", f"{side.lower()}_{words}", side + stem[0].upper() + stem[1:]):
            assert match_target(raw) == match_target(f"{raw}.001") == (name, ""), raw


def test_copies_give_way_to_what_they_were_copied_from():
    assert match_targets(["jawOpen.001", "jawOpen", "L_eyeBlink.001"]) == {
        "jawOpen": [1],
        "eyeBlinkLeft": [2],
    }


def test_halves_are_added_and_doubles_are_not():
    names = ["browInnerUp_L", "browInnerUp_R", "jawOpen", "jawOpen", "cheekPuff", "cheekPuff_L"]
    assert match_targets(names) == {"browInnerUp": [0, 1], "jawOpen": [2], "cheekPuff": [4]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>", "not glTF"),
        (b"glTF" + b"\x02\0\0\0" + b"junk", "damaged"),
        (b"{ not json", "damaged"),
        (b"", "not glTF"),
    ],
)
def test_files_that_are_no_faces_say_so(tmp_path, content, message):
    path = tmp_path / "face.glb"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_gltf(path)
    assert str(path) in str(error.value)


def test_missing_file_wrong_targets_and_compression(ball, tmp_path):
    with pytest.raises(DataError, match="no such rig"):
        read_gltf(tmp_path / "nothing.glb")
    path = foreign_file(tmp_path / "vise.glb", [({}, [("vrc.v_aa", TRIANGLE)], False)])
    with pytest.raises(DataError, match=r"none of the 51.*vrc\.v_aa"):
        read_gltf(path)
    document = {"asset": {"version": "2.0"}, "extensionsRequired": ["KHR_draco_mesh_compression"]}
    packed = tmp_path / "packed.gltf"
    packed.write_text(json.dumps(document))
    with pytest.raises(DataError, match="compressed"):
        read_gltf(packed)


def test_truncated_buffer_is_reported(ball, tmp_path):
    path = write_gltf(ball, tmp_path / "ball.glb")
    document = gl.GLTF2().load(str(path))
    document.set_binary_blob(document.binary_blob()[:1000])
    path.write_bytes(b"".join(document.save_to_bytes()))
    with pytest.raises(DataError, match=r"bufferViews\[0\] needs bytes"):
        read_gltf(path)
