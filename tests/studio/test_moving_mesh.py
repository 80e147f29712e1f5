"""The glTF file that moves a head, and its colours."""

from __future__ import annotations

import numpy as np
import pygltflib
import pytest
from studio_fakes import JAW, tiny_rig

from emo3d_exp.studio.appearance import Appearance, Surface
from emo3d_exp.studio.easing import KEYS, ease
from emo3d_exp.studio.moving_mesh import FOREVER, moving_mesh, still_mesh
from emo3d_exp.studio.state import neutral_face
from emo3d_exp.studio.tone import BRIGHTEST, before_tone_mapping, tone_mapped

SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
TYPES = {5123: np.uint16, 5125: np.uint32, 5126: np.float32}


def array(file: pygltflib.GLTF2, number: int) -> np.ndarray:
    """The values of an accessor."""
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    width, kind = SIZES[accessor.type], TYPES[accessor.componentType]
    data = file.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return np.frombuffer(data, kind).reshape(accessor.count, width)


@pytest.fixture
def surfaces() -> tuple[Appearance, Surface, Surface]:
    appearance, face = Appearance(tiny_rig()), neutral_face()
    face[JAW] = 1.0
    return appearance, appearance(neutral_face()), appearance(face)


def test_ease_rests_at_both_ends_and_never_turns_back() -> None:
    t = np.linspace(0, 1, 1001)
    assert ease(0.0) == 0 and ease(1.0) == 1 and ease(-3.0) == 0 and ease(7.0) == 1
    assert (np.diff(ease(t)) >= 0).all()
    assert ease(0.5) == pytest.approx(0.5)
    assert ease(1e-3) < 1e-7 and 1 - ease(1 - 1e-3) < 1e-7


def test_a_moving_mesh_starts_as_one_surface_and_ends_as_the_other(surfaces) -> None:
    appearance, start, end = surfaces
    file = pygltflib.GLTF2.load_from_bytes(moving_mesh(start, end, appearance, 0.4, 0.1))
    primitive = file.meshes[0].primitives[0]
    target = primitive.targets[0]
    np.testing.assert_array_equal(array(file, primitive.attributes.POSITION), start.vertices)
    moved = start.vertices + array(file, target["POSITION"])
    np.testing.assert_allclose(moved, end.vertices, atol=1e-6)
    recolored = array(file, primitive.attributes.COLOR_0) + array(file, target["COLOR_0"])
    np.testing.assert_allclose(recolored[:, :3], end.colors, atol=1e-5)
    np.testing.assert_array_equal(recolored[:, 3], 1)
    np.testing.assert_array_equal(array(file, primitive.indices).ravel(), appearance.faces.ravel())


def test_the_clip_waits_moves_and_then_stays(surfaces) -> None:
    appearance, start, end = surfaces
    file = pygltflib.GLTF2.load_from_bytes(moving_mesh(start, end, appearance, 0.4, 0.1))
    sampler = file.animations[0].samplers[0]
    times, weights = array(file, sampler.input).ravel(), array(file, sampler.output).ravel()
    assert len(times) == len(weights) == len(KEYS) + 2
    assert np.interp([0.0, 0.1, 0.3, 0.5, 100.0], times, weights) == pytest.approx(
        [0, 0, 0.5, 1, 1], abs=1e-3
    )
    assert times[-1] == FOREVER and (np.diff(times) > 0).all()


def test_a_still_mesh_has_nothing_to_play(surfaces) -> None:
    appearance, start, _ = surfaces
    file = pygltflib.GLTF2.load_from_bytes(still_mesh(start, appearance))
    assert not file.animations and not file.meshes[0].primitives[0].targets
    assert file.materials[0].extensions == {"KHR_materials_unlit": {}}


def test_heads_of_any_unit_are_placed_alike() -> None:
    rig = tiny_rig()
    large = type(rig)("large", rig.neutral * 70, rig.faces, rig.colors, rig.deltas * 70)
    np.testing.assert_allclose(
        Appearance(rig)(neutral_face()).vertices, Appearance(large)(neutral_face()).vertices, atol=1e-5
    )


def test_colours_survive_the_tone_mapping_of_the_browser() -> None:
    meant = np.random.default_rng(0).uniform(0.02, 0.8, (500, 3))
    meant = meant.mean(axis=1, keepdims=True) + 0.5 * (meant - meant.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(tone_mapped(before_tone_mapping(meant)), meant, atol=2e-3)


def test_tone_mapping_follows_the_formula() -> None:
    """A grey, worked out term by term: both matrices keep greys up to rounding in their last digits."""
    x = 0.18 / 0.6
    expected = (x * (x + 0.0245786) - 0.000090537) / (x * (0.983729 * x + 0.4329510) + 0.238081)
    np.testing.assert_allclose(tone_mapped(np.full((1, 3), 0.18)), expected, atol=1e-4)
    assert np.isfinite(before_tone_mapping(np.array([[0.0, 0, 0], [1, 1, 1]]))).all()
    np.testing.assert_allclose(tone_mapped(before_tone_mapping(np.ones((1, 3)))), BRIGHTEST, atol=1e-3)
