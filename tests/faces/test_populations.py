"""Faces and looks to measure with: what is drawn is what is said."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.faces.identity import Identity
from emo3d_exp.faces.populations import (
    PARTNER,
    camera_looks,
    other_side,
    prior_faces,
    random_emotions,
    random_faces,
)
from emo3d_exp.vocab import BLENDSHAPE_INDEX, EMOTIONS, MORPH_TARGETS


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return random_faces(1500, np.random.default_rng(3))


def column(faces: np.ndarray, name: str) -> np.ndarray:
    return faces[:, BLENDSHAPE_INDEX[name]]


def test_two_to_six_shapes_are_active(faces: np.ndarray) -> None:
    active = (faces > 0).sum(axis=1)
    assert set(active.tolist()) == {2, 3, 4, 5, 6}
    assert not faces[:, 0].any()
    assert faces[faces > 0].min() >= 0.3 and faces.max() <= 1


def test_all_shapes_are_drawn_about_equally_often(faces: np.ndarray) -> None:
    counts = {name: int((column(faces, name) > 0).sum()) for name in MORPH_TARGETS}
    alone = [counts[name] for name in MORPH_TARGETS if name not in PARTNER and name != "jawOpen"]
    paired = [counts[name] for name in PARTNER]
    assert 50 <= min(alone) <= max(alone) <= 110
    assert 95 <= min(paired) <= max(paired) <= 160


def test_sides_move_together_with_probability_point_8(faces: np.ndarray) -> None:
    left = [name for name in PARTNER if name.endswith("Left")]
    active = np.concatenate([column(faces, n) > 0 for n in left])
    equal = np.concatenate([column(faces, n) == column(faces, PARTNER[n]) for n in left])
    either = active | np.concatenate([column(faces, PARTNER[n]) > 0 for n in left])
    assert 0.75 < equal[either].mean() < 0.85


def test_partners_are_mutual_and_eyes_turn_together() -> None:
    assert all(PARTNER[other] == shape for shape, other in PARTNER.items())
    assert other_side("eyeLookInLeft") == "eyeLookOutRight"
    assert other_side("mouthSmileRight") == "mouthSmileLeft"
    assert {s for s in MORPH_TARGETS if s.endswith(("Left", "Right"))} - PARTNER.keys() == {
        "jawLeft", "jawRight", "mouthLeft", "mouthRight",
    }  # fmt: skip


def test_mouth_close_comes_with_an_open_jaw(faces: np.ndarray) -> None:
    assert (column(faces, "mouthClose") > 0).sum() > 50
    assert (column(faces, "mouthClose") <= column(faces, "jawOpen")).all()


def test_the_generator_is_the_only_source_of_chance() -> None:
    first, again = (random_faces(5, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    first, again = (camera_looks(3, np.random.default_rng(1), people=True) for _ in range(2))
    assert first == again
    assert random_faces(0, np.random.default_rng(1)).shape == (0, 52)


def test_one_head_keeps_its_proportions_and_people_do_not() -> None:
    same = camera_looks(300, np.random.default_rng(2), people=False)
    people = camera_looks(300, np.random.default_rng(2), people=True)
    assert {look.identity for look in same} == {Identity()}
    assert {look.stubble for look in same} == {0.0}
    assert len({look.identity for look in people}) == 300
    assert len({look.skin for look in same}) == len({look.light for look in same}) == 300
    for looks in (same, people):
        for axis, sd in {"yaw": 5.0, "pitch": 3.0, "roll": 2.0}.items():
            assert abs(np.std([getattr(look, axis) for look in looks]) / sd - 1) < 0.15


def test_faces_of_the_prior_have_one_leading_emotion() -> None:
    emotions = random_emotions(800, np.random.default_rng(0))
    ordered = np.sort(emotions, axis=1)
    assert (ordered[:, -1] >= 0.4).all() and (ordered[:, -2] <= ordered[:, -1] / 2).all()
    assert not ordered[:, :-2].any()
    assert 0.28 < (ordered[:, -2] > 0).mean() < 0.39
    assert np.bincount(emotions.argmax(axis=1), minlength=len(EMOTIONS)).min() > 70
    faces, drawn = prior_faces(7, np.random.default_rng(0))
    assert faces.shape == (7, 52) and drawn.shape == (7, 8)
