"""Changes are what they claim: which numbers move, by how much, and where from."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_fakes import make_prompts

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation import LookSettings
from emo3d_exp.evaluation.meta import MetaSettings, changes
from emo3d_exp.evaluation.meta.reader import EmotionReader
from emo3d_exp.evaluation.meta.sets import build_sets, chosen, rows_of
from emo3d_exp.faces import random_look
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, EMOTIONS, REGIONS, dominant

RNG = np.random.default_rng(0)


def faces(count: int = 5, seed: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).random((count, 52)).astype(np.float32)
    found[:, 0] = 0
    return found


def mirror_slowly(face: np.ndarray) -> list[float]:
    other = {"Left": "Right", "Right": "Left"}
    names = []
    for name in BLENDSHAPES:
        side = next((s for s in other if name.endswith(s)), None)
        names.append(name if side is None else name.removesuffix(side) + other[side])
    return [face[BLENDSHAPE_INDEX[name]] for name in names]


def test_a_mirror_image_exchanges_the_sides_and_twice_is_the_face() -> None:
    given = faces()
    assert changes.mirrored(given).tolist() == [mirror_slowly(face) for face in given]
    np.testing.assert_array_equal(changes.mirrored(changes.mirrored(given)), given)


def test_scaling_stays_in_range() -> None:
    given = faces()
    np.testing.assert_allclose(changes.scaled(given, 0.8), given * 0.8, atol=1e-7)
    stronger = changes.scaled(given, 1.2)
    assert stronger.max() == 1 and (stronger >= given).all()


def test_another_draw_is_a_face_of_the_same_prior_and_not_the_same_face() -> None:
    emotions = np.zeros((4, 8), np.float32)
    emotions[:, EMOTIONS.index("happiness")] = 0.8
    drawn = changes.redrawn(emotions, 0.5, np.random.default_rng(0))
    assert (drawn[:, BLENDSHAPE_INDEX["mouthSmileLeft"]] > 0.2).all()
    assert len(np.unique(drawn, axis=0)) == 4
    again = changes.redrawn(emotions, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, again)


@pytest.mark.parametrize("region", ["brow", "mouth"])
def test_a_region_comes_from_the_other_face_and_nothing_else(region: str) -> None:
    given, other = faces(seed=1), faces(seed=2)
    mixed = changes.with_region(given, other, region)
    for index, name in enumerate(BLENDSHAPES):
        source = other if name.startswith(region) else given
        np.testing.assert_array_equal(mixed[:, index], source[:, index])
    assert len(REGIONS[region]) == sum(name.startswith(region) for name in BLENDSHAPES)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_so_many_shapes_that_differ_most_are_exchanged(count: int) -> None:
    given, other = faces(seed=1), faces(seed=2)
    mixed = changes.with_shapes(given, other, count)
    for row in range(len(given)):
        most = sorted(range(52), key=lambda i, row=row: -abs(float(other[row, i]) - float(given[row, i])))
        wanted = given[row].copy()
        wanted[most[:count]] = other[row, most[:count]]
        np.testing.assert_array_equal(mixed[row], wanted)


def test_interpolation_has_both_faces_as_its_ends() -> None:
    given, other = faces(seed=1), faces(seed=2)
    np.testing.assert_array_equal(changes.interpolated(given, other, 0), given)
    np.testing.assert_allclose(changes.interpolated(given, other, 1), other, atol=1e-7)
    quarter = 0.75 * given + 0.25 * other
    np.testing.assert_allclose(changes.interpolated(given, other, 0.25), quarter, atol=1e-6)


def test_noise_has_one_direction_and_leaves_the_neutral_score_alone() -> None:
    given = np.full((3, 52), 0.5, np.float32)
    directions = np.random.default_rng(5).standard_normal(given.shape)
    small = changes.noisy(given, 0.01, directions)
    np.testing.assert_allclose((small - given)[:, 1:], 0.01 * directions[:, 1:], atol=1e-6)
    assert (changes.noisy(given, 0.3, directions)[:, 0] == 0).all()


def test_donors_show_another_emotion_that_is_drawn_evenly() -> None:
    emotions = np.eye(8)[[1] * 90 + [2] * 90 + [3] * 10]
    found = changes.donors(emotions, np.random.default_rng(0))
    own = dominant(emotions)
    assert (found.emotion != own).all()
    np.testing.assert_array_equal(own[found.row], found.emotion)
    assert 25 <= (found.emotion[:90] == 3).sum() <= 65  # half of 90, though there are 10 of them only
    with pytest.raises(DataError, match="same dominant emotion"):
        changes.donors(np.eye(8)[[1, 1]], np.random.default_rng(0))


def test_mean_faces_of_emotions() -> None:
    given, emotions = faces(4), np.eye(8)[[2, 2, 5, 2]]
    means = changes.emotion_means(given, emotions)
    np.testing.assert_allclose(means[2], (given[0] + given[1] + given[3]) / 3, rtol=1e-6)
    np.testing.assert_allclose(means[5], given[2])
    assert np.isnan(means[[0, 1, 3, 4, 6, 7]]).all()


def test_another_person_keeps_cameras_and_lights() -> None:
    looks, person = LookSettings(count=3).looks(), random_look(np.random.default_rng(9))
    for before, after in zip(looks, changes.as_person(looks, person), strict=True):
        same = ("yaw", "pitch", "roll", "fov", "framing", "light", "background")
        assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
        assert (after.skin, after.identity, after.hair_style) == (
            person.skin,
            person.identity,
            person.hair_style,
        )


def test_the_reader_is_ridge_regression() -> None:
    from sklearn.linear_model import Ridge

    given, emotions = faces(60), np.random.default_rng(3).random((60, 8))
    wanted = np.eye(8)[dominant(emotions)]
    slow = Ridge(alpha=1.0).fit(given.astype(np.float64), wanted)
    reader = EmotionReader(given, emotions)
    np.testing.assert_allclose(reader.scores(given), slow.predict(given.astype(np.float64)), atol=1e-9)
    np.testing.assert_array_equal(reader.read(given), slow.predict(given).argmax(axis=1))


def test_chosen_prompts_are_of_different_samples() -> None:
    prompts = make_prompts(30, texts_each=3)
    rows = chosen(prompts, 20, seed=0)
    assert len(rows) == 20 == len(set(prompts.sample_id[rows].tolist()))
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() == chosen(prompts, 20, seed=0).tolist() != chosen(prompts, 20, seed=1).tolist()
    assert len(chosen(prompts, None, seed=0)) == 30 == len(chosen(prompts, 99, seed=0))
    assert set(prompts.text_number[chosen(prompts, None, seed=0)]) == {1, 2, 3}


def test_only_changes_that_the_reader_confirms_are_verified() -> None:
    prompts, train = make_prompts(40), make_prompts(80, first_id=1000, seed=5)
    sets = build_sets(rows_of(prompts, chosen(prompts, 32, 0)), train, MetaSettings(prompts=32))
    reader, own = EmotionReader(train.blendshapes, train.emotions), dominant(sets.prompts.emotions)
    groups = {name: change.group for name, change in sets.changes.items()}
    assert [n for n, g in groups.items() if g == "kept"] == [
        "mirror",
        "redraw",
        "person",
        "weaker",
        "stronger",
    ]
    assert [n for n, g in groups.items() if g == "changed"] == ["brows", "mouth", "shapes_2", "shapes_3"]
    verified = 0
    for change in sets.changes.values():
        for row in range(len(own)):
            before = reader.read(sets.true[row : row + 1])[0]
            after = reader.read(change.faces[row : row + 1])[0]
            assert change.verified[row] == (change.group == "kept" or (before == own[row] != after))
        verified += change.verified.sum() * (change.group == "changed")
    assert 0 < verified < 4 * 32
    assert [len(series.faces) for series in sets.series.values()] == [9, 6]
    for series in sets.series.values():
        np.testing.assert_array_equal(series.faces[0], sets.true)


def test_another_draw_can_be_changed_in_place_of_the_true_face() -> None:
    prompts, train = make_prompts(20), make_prompts(80, first_id=1000, seed=5)
    sets = build_sets(prompts, train, MetaSettings(start="another_draw"))
    person, brows = sets.changes["person"].faces, sets.changes["brows"].faces
    assert (np.abs(person - sets.true).max(axis=1) > 0.01).all()
    np.testing.assert_array_equal(changes.mirrored(person), sets.changes["mirror"].faces)
    rest = [index for index in range(52) if index not in REGIONS["brow"]]
    np.testing.assert_array_equal(brows[:, rest], person[:, rest])
    assert (np.abs(sets.changes["redraw"].faces - person).max(axis=1) > 0.01).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("prompts", 3), ("start", "face"), ("variation", -1), ("weaker", 1.5), ("stronger", 0.9),
     ("shapes", [0]), ("steps", 2), ("noise", [0.1]), ("ks", [0]), ("epsilons", [-1]), ("banks", [0]),
     ("looks", [0]), ("redraws", 1), ("seed", -1)],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"meta\.{name}="):
        MetaSettings(**{name: value})
