"""glTF exports against a reader of the tests' own, and against trimesh."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from glb_parser import Glb

from emo3d_exp.exporters import ExportRequest, export_bytes
from emo3d_exp.faces import Rig, load_rig
from emo3d_exp.faces.paint import paint_rig
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS


def one(request: ExportRequest, row: int) -> ExportRequest:
    return replace(request, blendshapes=request.blendshapes[row : row + 1], captions=())


@pytest.mark.parametrize("row", [0, 1])
def test_targets_are_the_rigs_and_the_weights_pose_it(request_of: ExportRequest, rig: Rig, row: int) -> None:
    request = one(request_of, row)
    glb = Glb(export_bytes("gltf", request).content)
    (mesh,) = glb.document["meshes"]
    (primitive,) = mesh["primitives"]
    assert mesh["extras"]["targetNames"] == list(MORPH_TARGETS)
    assert "extensionsRequired" not in glb.document
    assert glb.document["nodes"][0].get("scale", [1, 1, 1]) == [1, 1, 1]
    neutral = glb.accessor(primitive["attributes"]["POSITION"])
    targets = np.stack([glb.accessor(target["POSITION"]) for target in primitive["targets"]])
    np.testing.assert_array_equal(neutral, rig.neutral)
    np.testing.assert_allclose(targets, rig.deltas, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(glb.accessor(primitive["indices"]).reshape(-1, 3), rig.faces)
    posed = neutral + np.einsum("k,kvc->vc", np.array(mesh["weights"]), targets)
    np.testing.assert_allclose(posed, rig.vertices(request.blendshapes)[0], atol=1e-5)
    colors = glb.accessor(primitive["attributes"]["COLOR_0"])[:, :3]
    np.testing.assert_allclose(colors, paint_rig(rig), atol=1e-6)
    assert np.abs(colors - rig.colors).max() > 0.1


def test_eyes_yield_to_a_blink(request_of: ExportRequest, rig: Rig) -> None:
    weights = Glb(export_bytes("gltf", one(request_of, 1)).content).document["meshes"][0]["weights"]
    np.testing.assert_allclose(weights, rig.weights(request_of.blendshapes)[1], atol=1e-7)
    assert weights[MORPH_TARGETS.index("eyeWideLeft")] == 0 < request_of.blendshapes[1, 21]
    assert weights[MORPH_TARGETS.index("eyeBlinkLeft")] == 1


def animation(content: bytes) -> tuple[np.ndarray, np.ndarray, Glb]:
    glb = Glb(content)
    (animated,) = glb.document["animations"]
    (channel,), (sampler,) = animated["channels"], animated["samplers"]
    assert channel["sampler"] == 0 and channel["target"]["path"] == "weights"
    assert "mesh" in glb.document["nodes"][channel["target"]["node"]]
    assert sampler["interpolation"] == "LINEAR"
    times = glb.accessor(sampler["input"])[:, 0]
    entry = glb.document["accessors"][sampler["input"]]
    assert (entry["min"], entry["max"]) == ([times.min()], [times.max()])
    return times, glb.accessor(sampler["output"]).reshape(len(times), -1), glb


def test_animation_goes_through_every_face_and_ends_where_it_began(
    request_of: ExportRequest, rig: Rig
) -> None:
    times, weights, glb = animation(export_bytes("gltf_animation", request_of).content)
    assert times[0] == 0 and (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(3 * 1.0 + 0.4, abs=1 / 30)
    assert not weights[0].any() and not weights[-1].any()
    for row, posed in enumerate(rig.weights(request_of.blendshapes)):
        held = [np.abs(now - posed).max() < 1e-6 for now in weights]
        arrival, departure = times[held][[0, -1]]
        assert arrival == pytest.approx(row + 0.4, abs=1 / 30 + 1e-6)
        assert departure == pytest.approx(row + 1.0, abs=1 / 30 + 1e-6)
    assert glb.document["meshes"][0]["weights"] == pytest.approx(rig.weights(request_of.blendshapes)[0])


def test_animation_is_the_eased_way_at_every_frame(request_of: ExportRequest, rig: Rig) -> None:
    """A slow reference, frame by frame, with frames that were left out filled in by straight lines."""
    times, weights, _ = animation(export_bytes("gltf_animation", request_of).content)
    faces = [np.zeros(52), *request_of.blendshapes.astype(np.float64), np.zeros(52)]
    for number in range(round(3.4 * 30) + 1):
        now = number / 30
        before = min(int(now), 3)
        share = min((now - before) / 0.4, 1)
        eased = 3 * share**2 - 2 * share**3
        pose = faces[before] + eased * (faces[before + 1] - faces[before])
        expected = rig.weights(pose[None])[0]
        shown = [np.interp(now, times, weights[:, target]) for target in range(51)]
        np.testing.assert_allclose(shown, expected, atol=1e-4)


def test_a_blink_stays_shut_on_its_way(rig: Rig) -> None:
    wide, shut = np.zeros((2, 52), np.float32)
    wide[BLENDSHAPE_INDEX["eyeWideLeft"]] = 1
    shut[[BLENDSHAPE_INDEX["eyeBlinkLeft"], BLENDSHAPE_INDEX["eyeWideLeft"]]] = 1
    request = ExportRequest(np.stack([wide, shut]), rig=rig)
    _, weights, _ = animation(export_bytes("gltf_animation", request).content)
    blink, opened = (weights[:, MORPH_TARGETS.index(name)] for name in ("eyeBlinkLeft", "eyeWideLeft"))
    assert (opened <= 1 - blink + 1e-6).all() and blink.max() == 1 and opened.max() == 1


def test_posed_mesh_stands_still(request_of: ExportRequest, rig: Rig) -> None:
    trimesh = pytest.importorskip("trimesh")

    content = export_bytes("gltf_posed", one(request_of, 2)).content
    glb = Glb(content)
    (mesh,) = glb.document["meshes"]
    assert not mesh.get("weights") and "targets" not in mesh["primitives"][0]
    (shape,) = trimesh.load(io.BytesIO(content), file_type="glb", process=False).geometry.values()
    np.testing.assert_allclose(shape.vertices, rig.vertices(request_of.blendshapes)[2], atol=1e-6)
    np.testing.assert_array_equal(shape.faces, rig.faces)
    assert len(content) < len(export_bytes("gltf", one(request_of, 2)).content) / 3


def test_an_exported_rig_can_be_loaded_again(request_of: ExportRequest, rig: Rig, tmp_path) -> None:
    (tmp_path / "face.glb").write_bytes(export_bytes("gltf", one(request_of, 0)).content)
    back = load_rig("gltf", tmp_path / "face.glb")
    np.testing.assert_allclose(back.deltas, rig.deltas, atol=1e-6)
    assert back.missing == ()


def test_a_rig_without_masks_keeps_its_own_colours(request_of: ExportRequest, rig: Rig) -> None:
    foreign = Rig("foreign", rig.neutral, rig.faces, rig.colors, rig.deltas)
    glb = Glb(export_bytes("gltf", replace(one(request_of, 0), rig=foreign)).content)
    colors = glb.accessor(glb.document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])
    np.testing.assert_array_equal(colors[:, :3], rig.colors)


def test_captions_are_kept_as_texts_only(request_of: ExportRequest) -> None:
    glb = Glb(export_bytes("gltf_animation", request_of).content)
    assert glb.document["scenes"][0]["extras"]["texts"] == list(request_of.captions)
    assert "uri" not in glb.document["buffers"][0]
