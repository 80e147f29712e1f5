from dataclasses import replace

import cv2
import numpy as np
import pytest

from emo3d_exp.faces import Look, Renderer, light_rig, random_look
from emo3d_exp.faces.adornments import overlays
from emo3d_exp.faces.motion import PLACES, Motion, groups_of, shapes_of
from emo3d_exp.faces.overlay import join
from emo3d_exp.faces.posing import Poser
from emo3d_exp.faces.shading import Wrinkles
from emo3d_exp.vocab import BLENDSHAPE_INDEX


@pytest.fixture(scope="module")
def renderer(builtin):
    return Renderer(builtin, size=96, detail="light")


def seeded(seed):
    return np.random.default_rng(seed)


def face(**weights):
    row = np.zeros(52, np.float32)
    for name, value in weights.items():
        row[BLENDSHAPE_INDEX[name]] = value
    return row


def test_every_shape_belongs_to_one_group():
    every = range(len(PLACES) + 1)
    np.testing.assert_array_equal(np.sort(shapes_of(tuple(every))), np.arange(51))
    for shape in range(51):
        (group,) = groups_of(np.eye(52)[1 + shape])
        assert shape in shapes_of((group,))
    assert groups_of(np.eye(52)[0]) == () and len(shapes_of(())) == 0


def test_motion_finds_what_moves_its_neighbours_and_what_follows(builtin):
    light = light_rig(builtin)
    wrinkles, shapes = Wrinkles(light), shapes_of((0,))
    motion = Motion(light, wrinkles, shapes, least=0.01)
    expected = np.zeros(len(light.neutral), bool)
    moves = (np.abs(light.deltas[shapes]) > 0.01).any(axis=(0, 2))
    for triangle in light.faces:
        expected[triangle] |= moves[triangle].any()
    for number in wrinkles.rows:
        masks = [light.masks.get(f"wrinkle_{name}") for name in BLENDSHAPE_INDEX if name.startswith("brow")]
        expected[number] |= any(mask is not None and mask[number] > 0 for mask in masks)
    np.testing.assert_array_equal(motion.changed, expected)
    binding = join(overlays(light, Look())).binding
    reach = max(np.abs(binding @ delta).max() for delta in light.deltas[shapes])
    assert reach > 0.01 and 0 < motion.follows(binding).mean() < 1


@pytest.mark.parametrize(
    "row",
    [face(jawOpen=1), face(browInnerUp=1, eyeBlinkLeft=0.7), face(noseSneerLeft=1), face()],
    ids=("mouth", "brows and eyes", "nose", "nothing"),
)
def test_the_moving_part_over_the_rest_is_the_whole(builtin, row):
    renderer, look = Renderer(builtin, size=128, supersample=1, detail="light"), random_look(seeded(5))
    whole = renderer.canvas.reduced(renderer._whole(row, look, renderer._person(look)))
    (picture,) = renderer.render(row, look)
    off = np.abs(picture.astype(int) - whole.astype(int)).max(axis=-1)
    # What shapes move by less than counts stays where it is.
    assert (off > 6).mean() < 0.005 and off.mean() < 0.2, ((off > 6).mean(), off.mean())


@pytest.mark.parametrize("style", ["buzz", "bald", "long"])
def test_no_background_shines_through_where_the_moving_part_meets_the_rest(builtin, renderer, style):
    look = replace(Look(), hair_style=style, background=(0.0, 1.0, 0.0))
    smooth = Renderer(light_rig(builtin), size=96)
    row = face(browDownLeft=1, browDownRight=1, jawOpen=0.4)
    (picture,), (whole,) = renderer.render(row, look), smooth.render(row, look)
    inside = cv2.erode((~np.all(whole == (0, 255, 0), axis=-1)).astype(np.uint8), np.ones((5, 5))) > 0
    greener = picture[..., 1].astype(int) - picture[..., 0] - (whole[..., 1].astype(int) - whole[..., 0])
    assert inside.mean() > 0.3 and greener[inside].max() < 40


@pytest.mark.parametrize("supersample", [3, 4, 5])
def test_any_number_of_samples_draws_the_same_face(builtin, supersample):
    row = face(jawOpen=0.6, browInnerUp=1)
    (few,), (many,) = (Renderer(builtin, 96, n, detail="light").render(row) for n in (2, supersample))
    assert np.square(few.astype(float) - many).mean() < 40


def test_what_is_still_is_drawn_with_all_samples(builtin, renderer):
    look, smooth = Look(), Renderer(light_rig(builtin), size=96)
    (picture,), (whole,) = renderer.render(face(), look), smooth.render(face(), look)
    coarse = renderer.canvas.reduced(renderer._whole(face(), look, renderer._person(look)))
    top = slice(0, 30)
    wrong, before = (np.square(one[top].astype(float) - whole[top]).mean() for one in (picture, coarse))
    assert 0 < wrong < before / 2


def test_order_of_expressions_changes_no_byte(builtin, renderer):
    rows = np.stack([face(jawOpen=1), face(browInnerUp=1), face(browInnerUp=0.5, jawOpen=0.5), face()])
    there = renderer.render(rows)
    np.testing.assert_array_equal(renderer.render(rows[::-1])[::-1], there)
    fresh = Renderer(builtin, size=96, detail="light", workers=3)
    np.testing.assert_array_equal(fresh.render(rows[::-1])[::-1], there)


def test_light_faces_of_rigs_that_do_not_move(ball, remade):
    still = remade(ball, deltas=np.zeros_like(ball.deltas))
    pictures = Renderer(still, size=48, detail="light").render(np.eye(52)[[0, 5, 30]])
    assert (pictures == pictures[0]).all() and len(np.unique(pictures)) > 10


def test_posing_without_overrides_is_the_same(builtin):
    pose, rng = Poser(builtin), np.random.default_rng(2)
    for row in (face(jawOpen=0.3), face(eyeWideLeft=1, eyeBlinkLeft=0.5), rng.random(52).astype(np.float32)):
        np.testing.assert_allclose(pose(row).T, builtin.vertices(row[None])[0], atol=1e-5)


def test_part_of_an_overlay_lies_where_it_did(builtin):
    overlay = join(overlays(builtin, Look()))
    rows = np.arange(0, len(overlay.lift), 7)
    columns = np.unique(overlay.binding[rows].indices)
    normals = np.random.default_rng(0).random(builtin.neutral.shape).astype(np.float32)
    part = overlay.part(rows, columns).place(builtin.neutral[columns], normals[columns])
    np.testing.assert_allclose(part, overlay.place(builtin.neutral, normals)[rows], atol=1e-6)


def test_what_moves_shares_no_vertex_with_what_stays(renderer):
    look = Look(hair_style="bald")
    for row in (face(jawOpen=1), face(browInnerUp=1, eyeBlinkLeft=1)):
        renderer.render(row, look)
    scenes = renderer._person(look).scenes.values()
    assert len(scenes) == 2
    for chosen in (scene.selection for scene in scenes):
        assert not set(chosen.rows[chosen.moving]) & set(chosen.still.ravel())
        np.testing.assert_array_equal(np.unique(chosen.rows), np.sort(chosen.rows))
