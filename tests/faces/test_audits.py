"""Audits find the flaws that were put into a small model, and few in the built-in head."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from emo3d_exp.faces import PARTS, Look, Renderer, Rig
from emo3d_exp.faces import audits as a
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.part_view import PartView
from emo3d_exp.faces.populations import camera_looks
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS

STILL = np.zeros(52, np.float32)


def sheet(half: float, z: float, steps: int, hole: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A square in the x-y plane that faces +z, with a square hole in its middle."""
    line = np.linspace(-half, half, steps + 1)
    x, y = np.meshgrid(line, line)
    vertices = np.stack([x.ravel(), y.ravel(), np.full(x.size, z)], 1)
    index = np.arange(x.size).reshape(x.shape)
    p, q, r, s = (i.ravel() for i in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    faces = np.concatenate([np.stack([p, q, r], 1), np.stack([p, r, s], 1)])
    middle = vertices[faces].mean(1)
    return vertices, faces[np.abs(middle[:, :2]).max(1) > hole]


def masked(eye_z: float, eye_half: float, part: str = "eye_left", turn: bool = False) -> Rig:
    """A mask with a hole in the middle and something behind it, or before it."""
    skin, skin_faces = sheet(1.0, 0.0, 20, hole=0.3)
    if turn:
        far = np.abs(skin[skin_faces].mean(1)[:, :2]).max(1) > 0.75
        skin_faces[far] = skin_faces[far][:, ::-1]
    eye, eye_faces = sheet(eye_half, eye_z, 4)
    vertices = np.concatenate([skin, eye])
    deltas = np.zeros((51, len(vertices), 3))
    deltas[MORPH_TARGETS.index("jawOpen"), :, 1] = -0.05
    # The left eye's blink draws the skin half way over the hole, from all sides.
    inner = (np.abs(skin[:, :2]).max(1) < 0.35) & (np.abs(skin[:, :2]).max(1) > 0.25)
    deltas[MORPH_TARGETS.index("eyeBlinkLeft"), : len(skin)][inner, :2] = -skin[inner, :2] / 2
    return Rig(
        "mask",
        vertices,
        np.concatenate([skin_faces, eye_faces + len(skin)]),
        np.full((len(vertices), 3), 0.5),
        deltas,
        part=np.repeat([0, PARTS.index(part)], [len(skin), len(eye)]),
    )


def test_what_lies_behind_a_hole_is_seen_but_does_not_stick_out() -> None:
    parts = PartView(masked(eye_z=-0.2, eye_half=0.6), 128)(STILL)
    assert 200 < (parts.eye == 0).sum() < 2500
    assert not parts.pierces.any() and not parts.torn.any() and not parts.mouth.any()
    assert (parts.eye == 1).sum() == (parts.part == PARTS.index("eye_right")).sum() == 0


def test_what_lies_before_the_skin_sticks_out() -> None:
    parts = PartView(masked(eye_z=0.2, eye_half=0.6), 128)(STILL)
    seen, open_eye = (parts.eye == 0).sum(), (PartView(masked(-0.2, 0.6), 128)(STILL).eye == 0).sum()
    # All of it but the hole and one ring of triangles round it, the rim.
    assert seen > 3 * open_eye
    assert 0.5 * (seen - open_eye) < parts.pierces.sum() <= seen - open_eye


def test_the_inside_of_the_mouth_is_told_from_eyes() -> None:
    parts = PartView(masked(0.2, 0.6, part="teeth"), 128)(STILL)
    assert parts.mouth.sum() > parts.pierces.sum() > 0
    assert (parts.eye == -1).all()


def test_skin_turned_over_is_torn() -> None:
    parts = PartView(masked(-0.2, 0.6, turn=True), 128)(STILL)
    border = parts.torn.sum()
    assert 0.3 < border / (parts.part == 0).sum() < 0.6


def test_a_lid_that_leaves_half_of_the_eye_open_is_found() -> None:
    view, looks = PartView(masked(-0.2, 0.6), 128), [Look()] * 8
    audit = a.audit_shut_eyes(view, looks, np.random.default_rng(0))
    left = audit.faces[:, BLENDSHAPE_INDEX["eyeBlinkLeft"]] == 1
    assert left.any() and (audit.values[left] > 0.1).all() and (audit.values < 0.9).all()
    assert audit.failing >= left.mean()
    assert audit.values[audit.worst(1)[0]] == audit.values.max()


def test_teeth_before_the_skin_are_found_on_every_face() -> None:
    view, looks = PartView(masked(0.2, 0.6, part="teeth"), 128), [Look()] * 4
    for check in (a.audit_mouth, a.audit_closed_lips):
        assert check(view, looks, np.random.default_rng(0)).failing == 1


def test_closed_lips_are_audited_without_shapes_that_part_them() -> None:
    audit = a.audit_closed_lips(PartView(masked(-0.2, 0.1), 32), [Look()] * 60, np.random.default_rng(0))
    jaw, close = (audit.faces[:, BLENDSHAPE_INDEX[name]] for name in ("jawOpen", "mouthClose"))
    np.testing.assert_array_equal(jaw, close)
    assert close.any()
    assert not audit.faces[:, BLENDSHAPE_INDEX["mouthUpperUpLeft"]].any()


def test_active_shapes_are_named() -> None:
    face = STILL.copy()
    face[[BLENDSHAPE_INDEX["jawOpen"], BLENDSHAPE_INDEX["mouthPucker"]]] = 0.25, 1
    assert a.active(face) == "jawOpen 0.25 mouthPucker 1.00"


def test_a_face_that_is_no_mirror_image_is_found(remade: Callable[..., Rig]) -> None:
    rig = masked(-0.2, 0.6)
    colors = rig.colors.copy()
    colors[rig.neutral[:, 0] > 0.5] = 0.9
    looks = camera_looks(3, np.random.default_rng(0), people=False)
    audit = a.audit_mirror(Renderer(remade(rig, colors=colors), 64), looks, np.random.default_rng(0))
    assert audit.failing == 1


@pytest.fixture(scope="module")
def view(builtin: Rig) -> PartView:
    return PartView(builtin)


def test_a_blink_shuts_the_eye_whatever_else_is_active(view: PartView) -> None:
    rng = np.random.default_rng(11)
    audit = a.audit_shut_eyes(view, camera_looks(25, rng, people=True), rng)
    assert audit.values.max() <= audit.limit, a.active(audit.faces[audit.worst(1)[0]])


def test_teeth_stay_behind_the_lips(view: PartView) -> None:
    rng = np.random.default_rng(12)
    audit = a.audit_mouth(view, camera_looks(25, rng, people=True), rng)
    assert audit.failing == 0, a.active(audit.faces[audit.worst(1)[0]])


def test_nothing_shows_in_faces_of_the_prior_that_should_not(view: PartView) -> None:
    rng = np.random.default_rng(16)
    audit = a.audit_prior(view, camera_looks(25, rng, people=True), rng)
    assert audit.failing == 0, a.active(audit.faces[audit.worst(1)[0]])


def test_the_inside_of_the_mouth_stays_at_the_lips_in_every_trait(builtin: Rig) -> None:
    basis, bag = IdentityBasis(builtin), np.flatnonzero(builtin.part == PARTS.index("mouth_bag"))
    skin = {tuple(builtin.neutral[v]): v for v in np.flatnonzero(builtin.part == PARTS.index("skin"))}
    seam = [(v, skin[place]) for v in bag if (place := tuple(builtin.neutral[v])) in skin]
    assert len(seam) > 90
    for field in (basis.scale, basis.shift):
        for inside, outside in seam:
            np.testing.assert_array_equal(field[:, inside], field[:, outside])


def test_lips_stay_closed_unless_a_shape_parts_them(view: PartView) -> None:
    rng = np.random.default_rng(15)
    audit = a.audit_closed_lips(view, camera_looks(25, rng, people=True), rng)
    # Lips that are rolled in and pressed at once may part by a hair's breadth.
    assert audit.failing <= 0.04 and audit.values.max() < 30, a.active(audit.faces[audit.worst(1)[0]])


def test_no_shape_alone_shows_what_it_should_not(view: PartView) -> None:
    audit = a.audit_single(view, [Look()], np.random.default_rng(0))
    assert audit.failing == 0, a.active(audit.faces[audit.worst(1)[0]])


def test_eyeballs_stay_behind_half_shut_lids(view: PartView) -> None:
    rng = np.random.default_rng(13)
    audit = a.audit_half_shut_eyes(view, camera_looks(20, rng, people=True), rng)
    assert audit.failing == 0, a.active(audit.faces[audit.worst(1)[0]])


def test_the_built_in_head_is_its_own_mirror_image(builtin: Rig) -> None:
    rng = np.random.default_rng(14)
    audit = a.audit_mirror(Renderer(builtin, 96), camera_looks(6, rng, people=True), rng)
    assert audit.values.max() <= 0.003


def test_single_shapes_are_audited_one_by_one_and_in_pairs() -> None:
    audit = a.audit_single(PartView(masked(0.2, 0.6, part="teeth"), 64), [Look()], np.random.default_rng(0))
    active = (audit.faces > 0).sum(axis=1)
    assert active.tolist() == [1] * 51 + [2] * 18
    assert audit.failing == 1


def test_what_sticks_out_is_found_on_faces_of_the_prior() -> None:
    rng = np.random.default_rng(2)
    out, behind = (
        a.audit_prior(PartView(masked(z, 0.6), 64), camera_looks(5, rng, people=False), rng)
        for z in (0.2, -0.2)
    )
    assert out.failing == 1 and behind.values.max() == 0
