import dataclasses

import numpy as np
import pytest

from emo3d_exp.faces import FACSPrior, Light, Look, Renderer, contact_sheet, random_look
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.shading import NormalField, Wrinkles, to_display, to_linear
from emo3d_exp.vocab import BLENDSHAPE_INDEX, EMOTIONS


@pytest.fixture(scope="module")
def renderer(builtin):
    return Renderer(builtin, size=96)


def face(**weights):
    row = np.zeros(52, np.float32)
    for name, value in weights.items():
        row[BLENDSHAPE_INDEX[name]] = value
    return row


def changed(a, b):
    return (np.abs(a.astype(int) - b.astype(int)).max(axis=-1) > 12).mean()


def test_normals_agree_with_a_plain_loop(ball):
    expected = np.zeros_like(ball.neutral, np.float64)
    for a, b, c in ball.faces:
        p, q, r = ball.neutral[[a, b, c]].astype(np.float64)
        for corner in (a, b, c):
            expected[corner] += np.cross(q - p, r - p)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    normals = NormalField(ball.faces, len(ball.neutral))(ball.neutral)
    np.testing.assert_allclose(normals, expected, atol=1e-5)
    assert (np.einsum("ij,ij->i", normals, ball.neutral) > 0.5).all()


def test_display_transfer_is_srgb_and_undone():
    x = np.linspace(0, 1, 201, dtype=np.float32)
    np.testing.assert_allclose(to_display(np.float32([0, 0.2140411, 1])), [0, 0.5, 1], atol=2e-3)
    np.testing.assert_allclose(to_display(to_linear(x)), x, atol=5e-3)


def test_wrinkles_agree_with_the_formula(ball, remade):
    rng = np.random.default_rng(0)
    masks = {f"wrinkle_{n}": rng.random(192).astype(np.float32) for n in ("jawOpen", "browInnerUp")}
    wrinkles = Wrinkles(remade(ball, masks={**masks, "lips": np.ones(192, np.float32)}))
    weights = rng.random(52).astype(np.float32)
    total = sum(weights[BLENDSHAPE_INDEX[k.removeprefix("wrinkle_")]] * m for k, m in masks.items())
    expected = 1 - np.clip(0.8 * total, 0, 0.6)
    np.testing.assert_allclose(wrinkles.shade(weights, 0.8)[1], expected[wrinkles.rows], atol=1e-6)
    assert np.all(np.delete(expected, wrinkles.rows) == 1) and wrinkles.shade(weights, 0) is None


def test_shape_type_and_single_face(renderer):
    batch = renderer.render(np.zeros((2, 52)))
    assert batch.shape == (2, 96, 96, 3) and batch.dtype == np.uint8
    np.testing.assert_array_equal(renderer.render(np.zeros(52)), batch[:1])


def test_same_bytes_alone_in_a_batch_and_from_another_renderer(builtin, renderer):
    rng = np.random.default_rng(3)
    weights, looks = rng.random((4, 52)) * 0.5, [random_look(rng) for _ in range(4)]
    together = renderer.render(weights, looks)
    alone = np.concatenate([renderer.render(weights[i], looks[i]) for i in (3, 2, 1, 0)])[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, Renderer(builtin, size=96).render(weights, looks))


def test_thread_count_of_opencv_changes_nothing_and_is_left_alone(renderer):
    import cv2

    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = renderer.render(face(jawOpen=0.7))
        cv2.setNumThreads(2)
        two = renderer.render(face(jawOpen=0.7))
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(one, two)


def test_head_fills_the_frame_and_stands_in_the_middle(renderer):
    look = Look(background=(0.0, 1.0, 0.0))
    picture = renderer.render(np.zeros(52), look)[0].astype(int)
    head = ~((picture[..., 1] > 200) & (picture[..., 0] < 60))
    rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head[:48].any(axis=0))
    assert 1 <= rows[0] <= 8 and abs(columns.mean() - 47.5) < 2
    assert 0.4 < head.mean() < 0.8


def test_pose_angles_turn_the_way_they_say(ball):
    camera = Camera(ball, 0.06)
    forward, up = np.float32([0, 0, 1]), np.float32([0, 1, 0])
    assert (camera.rotation(Look(yaw=20)) @ forward)[0] > 0.3
    assert (camera.rotation(Look(pitch=20)) @ forward)[1] < -0.3
    assert (camera.rotation(Look(roll=20)) @ up)[0] > 0.3
    every = camera.rotation(Look(yaw=20, pitch=10, roll=5))
    np.testing.assert_allclose(every @ every.T, np.eye(3), atol=1e-6)


def test_larger_framing_lens_and_pose_do_what_they_say(renderer):
    def head(look):
        picture = renderer.render(np.zeros(52), dataclasses.replace(look, background=(0.0, 1.0, 0.0)))[0]
        return ~((picture[..., 1] > 200) & (picture[..., 0] < 60))

    near, far = head(Look()), head(Look(framing=0.7))
    assert far.sum() < 0.7 * near.sum()
    assert abs(int(head(Look(fov=30)).sum()) - int(near.sum())) < 0.12 * near.sum()
    left = renderer.render(np.zeros(52), Look(yaw=15))[0]
    right = renderer.render(np.zeros(52), Look(yaw=-15, light=Light(direction=(-0.4, 0.5, 0.8))))[0]
    assert np.abs(left.astype(int) - right[:, ::-1].astype(int)).mean() < 4


@pytest.mark.parametrize(
    "name", ["jawOpen", "mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "noseSneerLeft"]
)
def test_expressions_show(renderer, name):
    assert changed(renderer.render(face(**{name: 1}))[0], renderer.render(face())[0]) > 0.002


def test_left_is_the_subjects_left(renderer):
    neutral, blink = renderer.render(face())[0], renderer.render(face(eyeBlinkLeft=1))[0]
    difference = np.abs(neutral.astype(int) - blink.astype(int)).sum(axis=(0, 2))
    assert difference[48:].sum() > 20 * difference[:48].sum()


def test_emotions_differ_from_each_other(renderer):
    pictures = renderer.render(FACSPrior().prototype(np.eye(len(EMOTIONS)) * 0.6))
    for i in range(len(EMOTIONS)):
        for j in range(i):
            assert changed(pictures[i], pictures[j]) > 0.004, (EMOTIONS[i], EMOTIONS[j])


def test_weights_are_clipped_and_checked(renderer):
    np.testing.assert_array_equal(renderer.render(face(jawOpen=2)), renderer.render(face(jawOpen=1)))
    with pytest.raises(ValueError, match="finite"):
        renderer.render(face(jawOpen=np.nan))
    with pytest.raises(ValueError, match="52"):
        renderer.render(np.zeros((1, 51)))
    with pytest.raises(ValueError, match="2 faces but 1 looks"):
        renderer.render(np.zeros((2, 52)), [Look()])


def test_fingerprint_names_rig_and_settings(builtin, ball):
    prints = {
        Renderer(rig, size=size, supersample=sample, margin=margin).fingerprint
        for rig in (builtin, ball)
        for size, sample, margin in ((64, 2, 0.06), (96, 2, 0.06), (64, 1, 0.06), (64, 2, 0.1))
    }
    assert len(prints) == 8
    assert Renderer(ball).fingerprint == Renderer(ball).fingerprint


def test_foreign_rig_of_any_size_is_drawn_in_its_own_colours(ball, remade):
    small = remade(ball, neutral=ball.neutral * 0.01, deltas=ball.deltas * 0.01)
    for rig in (ball, small):
        pictures = Renderer(rig, size=48).render(np.zeros((2, 52)), [Look(), Look(skin=(0.1, 0.1, 0.1))])
        np.testing.assert_array_equal(pictures[0], pictures[1])
        assert 0.3 < (np.abs(pictures[0].astype(int) - 222).max(axis=-1) > 30).mean() < 0.95


def test_contact_sheet_layout():
    images = np.stack([np.full((40, 60, 3), v, np.uint8) for v in (10, 20, 30)])
    sheet = contact_sheet(images, columns=2)
    assert sheet.shape == (80, 120, 3)
    assert sheet[10, 70, 0] == 20 and sheet[50, 10, 0] == 30 and sheet[50, 70, 0] == 255
    captioned = contact_sheet(images, ["a", "a very long caption that has to be wrapped and cut", "ü"], 3)
    assert captioned.shape[1] == 180 and captioned.shape[0] > 40
    assert (captioned[40:, :60] < 200).any() and captioned.dtype == np.uint8
    with pytest.raises(ValueError, match="captions"):
        contact_sheet(images, ["a"])
    with pytest.raises(ValueError, match="uint8"):
        contact_sheet(images.astype(float))


def test_hydra_builds_rig_and_renderer_from_their_groups(builtin):
    from hydra.utils import instantiate

    rig = instantiate({"_target_": "emo3d_exp.faces.load_rig", "name": "builtin"})
    made = instantiate({"_target_": "emo3d_exp.faces.Renderer", "size": 32}, rig=rig)
    assert made.rig is rig and made.fingerprint == Renderer(builtin, size=32).fingerprint
