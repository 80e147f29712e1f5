import dataclasses

import numpy as np
import pytest

from emo3d_exp.faces import AGES, GENDERS, Identity, Look, Renderer, random_look
from emo3d_exp.faces.identity import TRAITS, IdentityBasis
from emo3d_exp.faces.paint import Painter, paint_rig
from emo3d_exp.vocab import BLENDSHAPE_INDEX


def people(age=None, gender=None, count=60):
    rng = np.random.default_rng(5)
    return [random_look(rng, age, gender) for _ in range(count)]


def mean(looks, value):
    return float(np.mean([value(look) for look in looks]))


def test_same_generator_same_people():
    first, second = ([random_look(np.random.default_rng(2)) for _ in range(3)] for _ in range(2))
    assert first == second and first[0] == first[1]
    rng = np.random.default_rng(2)
    assert random_look(rng) != random_look(rng)
    assert hash(first[0]) == hash(second[0])


def test_every_age_and_gender_is_valid_and_in_range():
    for age in AGES:
        for gender in GENDERS:
            for look in people(age, gender, 10):
                for color in (look.skin, look.lip, look.hair, look.brow, look.iris, look.background):
                    assert len(color) == 3 and all(0 <= channel <= 1 for channel in color)
                assert all(0 <= v <= 1 for v in (look.stubble, look.age_lines, look.blush, look.lip_color))
                assert abs(look.yaw) <= 18 and abs(look.pitch) <= 9 and 0.88 <= look.framing <= 1.0


def test_age_shows():
    child, young, old = people("child"), people("young"), people("old")
    assert max(look.age_lines for look in child) == 0 and min(look.age_lines for look in old) >= 0.8
    assert mean(old, lambda k: min(k.hair)) > mean(young, lambda k: min(k.hair)) + 0.2
    assert mean(child, lambda k: k.identity.eye_size) > mean(young, lambda k: k.identity.eye_size) + 1
    assert mean(child, lambda k: k.identity.face_length) < mean(young, lambda k: k.identity.face_length) - 1
    assert mean(child, lambda k: k.brow_weight) < mean(young, lambda k: k.brow_weight) - 0.15
    assert all(look.stubble == 0 for look in child)


def test_gender_shows():
    women, men = people("young", "female"), people("young", "male")
    assert all(look.stubble == 0 for look in women) and any(look.stubble > 0.3 for look in men)
    assert mean(men, lambda k: k.identity.masculinity) > 0.8 > mean(women, lambda k: k.identity.masculinity)
    assert mean(men, lambda k: k.brow_weight) > mean(women, lambda k: k.brow_weight) + 0.2
    hanging = ("long", "wavy", "bob", "fringe")
    assert sum(look.hair_style in hanging for look in women) > 30
    assert not any(look.hair_style in hanging for look in men)


def test_skin_covers_the_whole_range():
    light = [np.mean(look.skin) for look in people(count=200)]
    assert min(light) < 0.25 and max(light) > 0.78


def test_wrong_names_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="young"):
        random_look(rng, age="teen")
    with pytest.raises(ValueError, match="female"):
        random_look(rng, gender="x")
    with pytest.raises(ValueError, match="bald"):
        Look(hair_style="mohawk")
    with pytest.raises(ValueError, match="fov"):
        Look(fov=0)


@pytest.mark.parametrize(
    ("mask", "change"),
    [
        ("lips", {"lip": (0.1, 0.1, 0.9)}),
        ("hair", {"hair": (0.1, 0.9, 0.1)}),
        ("brows", {"brow": (0.9, 0.9, 0.1)}),
        ("iris", {"iris": (0.1, 0.9, 0.9)}),
        ("stubble", {"stubble": 1.0}),
        ("age_lines", {"age_lines": 1.0}),
    ],
)
def test_colours_land_on_their_mask(builtin, mask, change):
    painter = Painter(builtin)
    moved = np.abs(painter(dataclasses.replace(Look(), **change)) - painter(Look())).max(axis=1)
    inside = builtin.masks[mask] > 0.3
    assert moved[inside].mean() > 0.02
    if mask not in ("brows",):
        assert (moved[builtin.masks[mask] == 0] == 0).mean() > 0.98


def test_paint_is_linear_and_leaves_foreign_rigs_alone(builtin, ball):
    colors = paint_rig(builtin)
    assert colors.shape == builtin.neutral.shape and colors.min() >= 0 and colors.max() <= 1
    np.testing.assert_allclose(paint_rig(ball), ball.colors, atol=5e-3)


@pytest.mark.parametrize("trait", [*TRAITS, "masculinity"])
def test_every_trait_moves_the_head_smoothly_and_a_little(builtin, trait):
    basis = IdentityBasis(builtin)
    moved = basis.apply(builtin.neutral, Identity(**{trait: 1.0})) - builtin.neutral
    reach = np.linalg.norm(moved, axis=1).max()
    assert 0.005 < reach < 0.2
    edges = builtin.faces[:, [0, 1]]
    long = np.linalg.norm(builtin.neutral[edges[:, 0]] - builtin.neutral[edges[:, 1]], axis=1)
    stretch = np.linalg.norm(moved[edges[:, 0]] - moved[edges[:, 1]], axis=1)
    assert np.percentile(stretch / np.maximum(long, 1e-3), 99) < 0.6


def test_identity_is_neutral_at_zero_and_left_right_symmetric(builtin, remade):
    basis = IdentityBasis(builtin)
    assert basis.apply(builtin.neutral, Identity()) is builtin.neutral
    person = Identity(**{trait: 1.0 for trait in TRAITS})
    flipped = builtin.neutral * np.float32([-1, 1, 1])
    there = basis.apply(builtin.neutral, person)
    other = IdentityBasis(remade(builtin, neutral=flipped)).apply(flipped, person)
    np.testing.assert_allclose(there * [-1, 1, 1], other, atol=1e-5)


def test_large_eyes_still_close(builtin):
    renderer = Renderer(builtin, size=128)
    blink = np.zeros(52)
    blink[[BLENDSHAPE_INDEX["eyeBlinkLeft"], BLENDSHAPE_INDEX["eyeBlinkRight"]]] = 1
    look = Look(iris=(0.0, 1.0, 0.0), identity=Identity(eye_size=2.5))

    def green(weights):
        picture = renderer.render(weights, look)[0].astype(int)
        return int((picture[..., 1] > picture[..., 0] + 40).sum())

    assert green(np.zeros(52)) > 30 and green(blink) <= 1


def test_hair_styles_look_different(builtin):
    renderer = Renderer(builtin, size=64)
    looks = [Look(hair_style=style) for style in ("bald", "short", "long")]
    bald, short, long = renderer.render(np.zeros((3, 52)), looks).astype(int)
    assert np.abs(bald - short)[:16].mean() > 10
    assert np.abs(long - short)[40:].mean() > 5
