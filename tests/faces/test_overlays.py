import dataclasses

import numpy as np
import pytest

from emo3d_exp.faces import Identity, Look, Renderer, random_look
from emo3d_exp.faces.adornments import Adornments, overlays
from emo3d_exp.faces.beards import beard_mask
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import BEARDS, HAIR_STYLES
from emo3d_exp.faces.overlay import COLORS, bind, join
from emo3d_exp.faces.scalp import CENTER, Scalp, directions, hairline, scalp_mask
from emo3d_exp.faces.shading import Light, NormalField
from emo3d_exp.faces.strands import shade_strands
from emo3d_exp.vocab import BLENDSHAPE_INDEX

SHEETS = [style for style in HAIR_STYLES if style not in ("bald", "buzz")]


def face(**weights):
    row = np.zeros((1, 52), np.float32)
    for name, value in weights.items():
        row[0, BLENDSHAPE_INDEX[name]] = value
    return row


def colored(rig, look, name):
    """The overlay of a look that has this colour."""
    (found,) = [one for one in overlays(rig, look) if one.color[0] == COLORS.index(name)]
    return found


def posed(rig, blendshapes, identity=None):
    vertices = IdentityBasis(rig).apply(rig.vertices(blendshapes)[0], identity or Identity())
    return vertices, NormalField(rig.faces, len(vertices))(vertices)


def test_binding_finds_the_nearest_point_of_the_skin(builtin):
    rng = np.random.default_rng(0)
    corners = builtin.neutral[builtin.faces[builtin.part[builtin.faces[:, 0]] == 0]]
    chosen = corners[rng.integers(0, len(corners), 50)]
    points = (chosen * rng.dirichlet([1, 1, 1], 50)[..., None]).sum(axis=1)
    binding = bind(builtin, points)
    np.testing.assert_allclose(np.asarray(binding.sum(axis=1)).ravel(), 1, atol=1e-5)
    np.testing.assert_allclose(binding @ builtin.neutral, points, atol=2e-4)


def test_scalp_radius_agrees_with_every_triangle_tried(builtin):
    toward = directions(np.array([0, 40, 120, 200]), np.array([70, 35, 10, 45]))
    corners = builtin.neutral[builtin.faces[(builtin.part[builtin.faces] == 0).all(1)]].astype(float) - CENTER
    for direction, radius in zip(toward, Scalp(builtin).radius(toward), strict=True):
        weights = np.linalg.solve(
            corners.transpose(0, 2, 1), np.tile(direction[:, None], (len(corners), 1, 1))
        )
        hit = (weights[..., 0] >= -1e-9).all(axis=1)
        assert np.isclose(radius, (1 / weights[hit].sum(axis=(1, 2))).max(), atol=1e-6)


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_every_style_is_a_sound_mesh(builtin, style):
    for one in overlays(builtin, Look(hair_style=style, beard="full", receding=0.5)):
        count = len(one.lift)
        assert one.faces.min() >= 0 and one.faces.max() < count
        assert count < 3600 and one.binding.shape == (count, len(builtin.neutral))
        for array in (one.offset, one.lift, one.normals, one.tangents, one.alpha, one.tint):
            assert len(array) == count and np.isfinite(array).all()
        assert one.alpha.min() >= 0 and one.alpha.max() <= 1 and one.tint.min() > 0


def test_same_overlay_every_time_and_parting_is_mirrored(builtin):
    left, again = (colored(builtin, Look(hair_style="bob"), "hair") for _ in range(2))
    right = colored(builtin, Look(hair_style="bob", parting="right"), "hair")
    points = [one.place(*posed(builtin, face()))[0] for one in (left, again, right)]
    np.testing.assert_array_equal(points[0], points[1])
    np.testing.assert_allclose(points[0] * [-1, 1, 1], points[2], atol=1e-4)


@pytest.mark.parametrize("name", ["brow", "beard"])
def test_hairs_stay_on_the_skin_in_every_expression_and_person(builtin, name):
    from scipy.spatial import cKDTree

    hairs = colored(builtin, Look(beard="full"), name)
    rng = np.random.default_rng(1)
    for _ in range(6):
        person = random_look(rng).identity
        vertices, normals = posed(builtin, rng.random((1, 52)).astype(np.float32) * 0.7, person)
        points, _ = hairs.place(vertices, normals)
        gap, _ = cKDTree(vertices[builtin.part == 0]).query(points)
        assert gap.max() < 0.13
        assert np.abs(points - hairs.binding @ vertices).max() < 0.05


def test_hair_moves_with_the_scalp_only(builtin):
    hair = colored(builtin, Look(hair_style="long"), "hair")
    rest = hair.place(*posed(builtin, face()))[0]
    angry = hair.place(*posed(builtin, face(browInnerUp=1, jawOpen=1, mouthSmileLeft=1)))[0]
    assert np.linalg.norm(angry - rest, axis=1).max() < 0.12


def test_brow_hairs_move_with_the_brow_of_their_side(builtin):
    brows = colored(builtin, Look(), "brow")
    rest = brows.place(*posed(builtin, face()))[0]
    lifted = brows.place(*posed(builtin, face(browOuterUpLeft=1)))[0] - rest
    left = rest[:, 0] > 0.4
    assert lifted[left, 1].mean() > 0.04 and np.abs(lifted[rest[:, 0] < -0.4]).max() < 0.02
    lowered = brows.place(*posed(builtin, face(browDownLeft=1)))[0] - rest
    assert lowered[left, 1].mean() < -0.02


def test_brows_and_beards_are_mirrored(builtin):
    for name in ("brow", "beard"):
        hairs = colored(builtin, Look(beard="full"), name)
        points = hairs.place(*posed(builtin, face()))[0]
        half = len(points) // 2
        np.testing.assert_allclose(points[:half] * [-1, 1, 1], points[half:], atol=2e-3)


@pytest.mark.parametrize("style", SHEETS)
@pytest.mark.parametrize("yaw", [0, 30])
def test_no_skin_shows_on_the_crown(builtin, style, yaw):
    skin, hair = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    look = Look(skin=skin, hair=hair, hair_style=style, yaw=yaw, background=(0.0, 1.0, 0.0))
    picture = Renderer(builtin, size=160).render(np.zeros(52), look)[0].astype(int)
    skin_shows = (picture[..., 0] > picture[..., 2] + 15) & (picture[..., 1] < 150)
    assert skin_shows.any(axis=1).argmax() > 20, "skin above the hairline"
    assert (picture[..., 2] > picture[..., 0] + 15).sum() > 500


@pytest.mark.parametrize("style", SHEETS)
def test_hair_leaves_the_features_free(builtin, style):
    look = Look(hair_style=style, hair=(0.0, 0.0, 1.0), brow=(0.3, 0.2, 0.1))
    renderer = Renderer(builtin, size=160)
    for row in (face(), face(jawOpen=1, mouthSmileLeft=1, mouthSmileRight=1), face(browInnerUp=1)):
        for yaw in (-20, 0, 20):
            person = Identity(jaw_width=1.5, cheek_fullness=2.0, masculinity=1.0)
            turned = dataclasses.replace(look, yaw=yaw, identity=person)
            picture = renderer.render(row, turned)[0].astype(int)
            blue = picture[..., 2] > picture[..., 0] + 25
            middle = 80 + round(yaw * 0.9)
            assert blue[72:135, middle - 23 : middle + 23].mean() < 0.01


def test_receding_hair_bares_the_temples(builtin):
    azimuth = np.linspace(-60, 60, 121)
    assert (hairline(azimuth, 1.0) >= hairline(azimuth)).all()
    assert scalp_mask(builtin, 1.0).sum() < scalp_mask(builtin).sum()


def test_beards_grow_where_their_name_says(builtin):
    masks = {beard: beard_mask(builtin, beard) for beard in BEARDS}
    assert masks["none"].max() == 0
    y = builtin.neutral[:, 1]
    assert y[masks["moustache"] > 0.3].min() > -1.2
    assert masks["full"].sum() > masks["goatee"].sum() > masks["moustache"].sum() > 0
    assert all(mask[builtin.masks["lips"] > 0.9].max() < 0.2 for mask in masks.values())


def test_sparse_brows_show_fewer_hairs(builtin):
    brows = colored(builtin, Look(), "brow")
    lit = np.zeros((len(builtin.neutral), 3), np.float32)
    normal = np.tile(np.float32([0, 0, 1]), (len(brows.lift), 1))
    args = (lit, normal, brows.tangents, np.ones((3, 3), np.float32))
    shown = [
        (brows.shade(*args, np.float32([1, weight, 1]), Light()).max(axis=1) > 0.05).mean()
        for weight in (0.4, 0.8, 1.3)
    ]
    assert shown[0] < shown[1] < shown[2]


def test_fibres_shine_across_their_direction():
    normals = np.float32([[0, 0, 1], [0, 0, 1]])
    tangents = np.float32([[1, 0, 0], [0, 0.7071, 0.7071]])
    light = Light(direction=(0.0, 0.0, 1.0))
    across, along = shade_strands(np.full((2, 3), 0.2, np.float32), normals, tangents, light)
    assert across.mean() > along.mean() + 0.02


def test_joined_overlays_are_the_sum_of_their_parts(builtin):
    parts = overlays(builtin, Look(beard="goatee"))
    whole = join(parts)
    assert len(whole.lift) == sum(len(one.lift) for one in parts)
    assert whole.faces.max() == len(whole.lift) - 1
    pose = posed(builtin, face(jawOpen=0.5))
    expected = np.concatenate([one.place(*pose)[0] for one in parts])
    np.testing.assert_allclose(whole.place(*pose)[0], expected, atol=1e-6)


def test_foreign_rigs_wear_nothing(ball):
    assert overlays(ball, Look(hair_style="long", beard="full")) == []
    lit = np.zeros_like(ball.neutral)
    faces, vertices, colors = Adornments(ball).add(ball.neutral, lit, lit, np.eye(3), Look())
    assert faces is ball.faces and vertices is ball.neutral and colors is lit
