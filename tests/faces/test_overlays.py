import dataclasses

import numpy as np
import pytest

from emo3d_exp.faces import Identity, Look, Renderer, light_rig, random_look
from emo3d_exp.faces.adornments import Adornments, Worn, overlays
from emo3d_exp.faces.beards import beard_mask
from emo3d_exp.faces.identity import IdentityBasis
from emo3d_exp.faces.looks import BEARDS, HAIR_STYLES
from emo3d_exp.faces.motion import Motion
from emo3d_exp.faces.overlay import COLORS, bind, join
from emo3d_exp.faces.scalp import CENTER, Scalp, directions, hairline, scalp_mask
from emo3d_exp.faces.shading import Light, NormalField, Wrinkles, to_linear
from emo3d_exp.faces.strands import Fibres
from emo3d_exp.vocab import BLENDSHAPE_INDEX

SHEETS = [style for style in HAIR_STYLES if style not in ("bald", "buzz")]


@pytest.fixture(scope="module")
def renderer(builtin):
    return Renderer(builtin, size=128, supersample=1)


@pytest.fixture(scope="module")
def normal_field(builtin):
    return NormalField(builtin.faces, len(builtin.neutral))


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
    points = [one.place(*posed(builtin, face())) for one in (left, again, right)]
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
        points = hairs.place(vertices, normals)
        gap, _ = cKDTree(vertices[builtin.part == 0]).query(points)
        assert gap.max() < 0.15
        assert np.abs(points - hairs.binding @ vertices).max() < 0.05


def test_hair_moves_with_the_scalp_only(builtin):
    hair = colored(builtin, Look(hair_style="long"), "hair")
    rest = hair.place(*posed(builtin, face()))
    angry = hair.place(*posed(builtin, face(browInnerUp=1, jawOpen=1, mouthSmileLeft=1)))
    assert np.linalg.norm(angry - rest, axis=1).max() < 0.12


def test_brow_hairs_move_with_the_brow_of_their_side(builtin):
    brows = colored(builtin, Look(), "brow")
    rest = brows.place(*posed(builtin, face()))
    lifted = brows.place(*posed(builtin, face(browOuterUpLeft=1))) - rest
    left = rest[:, 0] > 0.4
    assert lifted[left, 1].mean() > 0.04 and np.abs(lifted[rest[:, 0] < -0.4]).max() < 0.02
    lowered = brows.place(*posed(builtin, face(browDownLeft=1))) - rest
    assert lowered[left, 1].mean() < -0.02


def test_brows_and_beards_are_mirrored(builtin):
    for name in ("brow", "beard"):
        hairs = colored(builtin, Look(beard="full"), name)
        points = hairs.place(*posed(builtin, face()))
        half = len(points) // 2
        np.testing.assert_allclose(points[:half] * [-1, 1, 1], points[half:], atol=2e-3)


@pytest.mark.parametrize("style", SHEETS)
def test_hair_covers_the_crown_and_leaves_the_features_free(renderer, style):
    person = Identity(jaw_width=1.5, cheek_fullness=2.0, masculinity=1.0)
    look = Look(skin=(0.9, 0.1, 0.1), hair=(0.1, 0.1, 0.9), brow=(0.9, 0.2, 0.1), hair_style=style)
    look = dataclasses.replace(look, background=(0.0, 1.0, 0.0), identity=person)
    rows = np.concatenate([face(jawOpen=1, mouthSmileLeft=1, mouthSmileRight=1), face(browInnerUp=1), face()])
    yaws = (-20, 0, 30)
    pictures = renderer.render(rows, [dataclasses.replace(look, yaw=yaw) for yaw in yaws]).astype(int)
    for picture, yaw in zip(pictures, yaws, strict=True):
        red, green, blue = np.moveaxis(picture, -1, 0)
        assert ((red > blue + 15) & (green < 150)).any(axis=1).argmax() > 16, "skin above the hairline"
        assert (blue > red + 15).sum() > 300
        middle = 64 + round(yaw * 0.6)
        assert (blue > red + 25)[58:108, middle - 15 : middle + 15].mean() < 0.01


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
    shown = [
        (Worn(brows, Look(brow_weight=weight), np.eye(3, dtype=np.float32)).shown > 0.05).mean()
        for weight in (0.4, 0.8, 1.3)
    ]
    assert shown[0] < shown[1] < shown[2]


def test_what_is_worn_agrees_with_each_vertex_worked_out(builtin):
    look, turn = Look(hair=(0.4, 0.2, 0.1)), rotation_about_y(0.4)
    overlay, _ = Adornments(builtin, builtin, everywhere(builtin))(look)
    vertices, normals = posed(builtin, face(browInnerUp=1, jawOpen=0.4))
    lit = np.random.default_rng(0).uniform(0, 1, vertices.shape).astype(np.float32)
    points, colors = Worn(overlay, look, turn).on(vertices.T, normals.T, lit.T)
    np.testing.assert_allclose(points.T, overlay.place(vertices, normals), atol=1e-5)
    palette = to_linear(np.float32([look.hair, look.brow, look.brow]))
    below_normals, below = overlay.binding @ normals, overlay.binding @ lit
    for n in range(0, len(overlay.lift), 97):
        own = overlay.normals[n] if overlay.normals[n].any() else below_normals[n]
        albedo = palette[overlay.color[n]] * overlay.tint[n]
        tangent = turn @ overlay.tangents[n]
        shaded = Fibres(albedo[:, None], tangent[:, None], look.light)((turn @ own)[:, None])
        density = look.brow_weight if overlay.color[n] == COLORS.index("brow") else 1.0
        shown = overlay.alpha[n] * np.clip(6 * (density - overlay.rank[n]) + 1, 0, 1)
        expected = below[n] + shown * (shaded[:, 0] - below[n])
        np.testing.assert_allclose(colors[:, n], expected, atol=1e-4)


def test_light_rigs_wear_the_same(builtin):
    light = light_rig(builtin)
    whole, _ = Adornments(builtin, builtin, everywhere(builtin))(Look(hair_style="bob"))
    rebound, drawn = Adornments(builtin, light, everywhere(light))(Look(hair_style="bob"))
    np.testing.assert_array_equal(drawn.faces[len(light.faces) :], rebound.faces + len(light.neutral))
    rest = [one.binding @ rig.neutral + one.offset for one, rig in ((whole, builtin), (rebound, light))]
    hair, brows = (
        [rows[one.color == c] for rows, one in zip(rest, (whole, rebound), strict=True)] for c in (0, 1)
    )
    np.testing.assert_allclose(hair[0], hair[1], atol=1e-5)
    assert len(brows[1]) == len(brows[0]) / 2


def everywhere(rig):
    motion = Motion(rig, Wrinkles(rig))
    motion.changed = np.ones(len(rig.neutral), bool)
    return motion


def rotation_about_y(angle):
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.float32([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def test_fibres_shine_across_their_direction():
    normals = np.float32([[0, 0], [0, 0], [1, 1]])
    tangents = np.float32([[1, 0], [0, 0.7071], [0, 0.7071]])
    light = Light(direction=(0.0, 0.0, 1.0))
    across, along = Fibres(np.full((3, 2), 0.2, np.float32), tangents, light)(normals).T
    assert across.mean() > along.mean() + 0.02


def test_joined_overlays_are_the_sum_of_their_parts(builtin):
    parts = overlays(builtin, Look(beard="goatee"))
    whole = join(parts)
    assert len(whole.lift) == sum(len(one.lift) for one in parts)
    assert whole.faces.max() == len(whole.lift) - 1
    pose = posed(builtin, face(jawOpen=0.5))
    expected = np.concatenate([one.place(*pose) for one in parts])
    np.testing.assert_allclose(whole.place(*pose), expected, atol=1e-6)


def test_foreign_rigs_wear_nothing(ball):
    assert overlays(ball, Look(hair_style="long", beard="full")) == []
    overlay, drawn = Adornments(ball, ball, everywhere(ball))(Look())
    assert overlay is None
    np.testing.assert_array_equal(drawn.faces, ball.faces)
