"""Reading rendered faces back: the sums, and the real FaceLandmarker on a few faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from apart import apart

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces import Rig, load_rig
from emo3d_exp.faces.landmarker import BlendshapeReader
from emo3d_exp.faces.populations import camera_looks, prior_faces, random_faces
from emo3d_exp.faces.readback import Readback, column_correlations, emotion_accuracy, read_back
from emo3d_exp.vocab import BLENDSHAPE_INDEX, EMOTION_INDEX


def test_correlations_equal_numpys_column_by_column() -> None:
    rng = np.random.default_rng(0)
    a = rng.random((30, 5))
    b = 0.5 * a + 0.3 * rng.random((30, 5))
    expected = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(5)]
    np.testing.assert_allclose(column_correlations(a, b), expected, atol=1e-12)


def test_constant_columns_correlate_with_nothing() -> None:
    a = np.column_stack([np.ones(4), np.arange(4)])
    np.testing.assert_array_equal(column_correlations(a, a[:, ::-1]), [0, 0])
    np.testing.assert_array_equal(column_correlations(np.zeros((0, 3)), np.zeros((0, 3))), np.zeros(3))


def test_faces_that_were_not_found_count_as_such_and_nowhere_else() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((20, 52)).astype(np.float32)
    rest = np.full((20, 52), 0.1, np.float32)
    rest[:, 3] = rng.random(20)
    scores = truth + rest
    scores[4], rest[9] = np.nan, np.nan
    read = Readback(truth, scores, rest)
    assert read.found.mean() == 19 / 20
    np.testing.assert_allclose(read.correlations(minus_rest=True), 1, atol=1e-5)
    known = np.arange(20) != 4
    assert read.correlations()[3] == pytest.approx(np.corrcoef(truth[known, 3], scores[known, 3])[0, 1])


def test_emotion_accuracy_is_1_for_separable_classes_and_chance_for_noise() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 30)
    noise = rng.normal(size=(len(labels), 6))
    assert emotion_accuracy(np.eye(7)[labels] + 0.01 * rng.normal(size=(len(labels), 7)), labels) == 1
    assert emotion_accuracy(noise, labels) < 0.3


def test_a_missing_model_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no face landmarker at 'nowhere\.task'"):
        BlendshapeReader("nowhere.task")


def test_as_many_looks_as_faces(ball: Rig) -> None:
    with pytest.raises(ValueError, match="2 faces but 1 looks"):
        read_back(ball, np.zeros((2, 52)), camera_looks(1, np.random.default_rng(0), False), "unused.task")


@pytest.fixture(scope="module")
def model(shared: Path) -> Path:
    return shared / "data" / "mediapipe" / "face_landmarker.task"


def read_one(model: Path, picture: np.ndarray) -> np.ndarray | None:
    with BlendshapeReader(model) as reader:
        return reader.read(picture)


@pytest.mark.shared
def test_a_picture_without_a_face_is_not_found(model: Path) -> None:
    assert apart(read_one, model, np.full((96, 96, 3), 127, np.uint8)) is None


@pytest.mark.shared
def test_random_faces_of_the_built_in_head_are_found_and_read(builtin: Rig, model: Path) -> None:
    rng = np.random.default_rng(5)
    faces = random_faces(60, rng)
    read = apart(
        read_back, builtin, faces, camera_looks(60, rng, people=False), model, size=224, at_rest=False
    )
    assert read.found.all()
    r = read.correlations()
    for name in ("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "eyeLookOutLeft",
                 "eyeLookUpRight", "browDownLeft", "browOuterUpRight"):  # fmt: skip
        assert r[BLENDSHAPE_INDEX[name]] > 0.5, name
    assert (r > 0.5).sum() >= 22


@pytest.mark.shared
@pytest.mark.slow
def test_emotions_of_the_prior_are_told_apart_on_random_people(builtin: Rig, model: Path) -> None:
    rng = np.random.default_rng(6)
    faces, emotions = prior_faces(80, rng)
    label = emotions.argmax(axis=1)
    chosen = label != EMOTION_INDEX["neutral"]
    faces, label = faces[chosen], label[chosen]
    read = apart(
        read_back, builtin, faces, camera_looks(len(faces), rng, people=True), model, size=224, at_rest=False
    )
    assert read.found.all()
    assert emotion_accuracy(read.scores, label, folds=3) > 0.7


@pytest.mark.shared
@pytest.mark.slow
def test_faces_of_ict_facekit_are_found_and_read(shared: Path, model: Path, cache: Path) -> None:
    rig = load_rig("ict_facekit", shared / "data" / "ict_facekit" / "ict_facekit_light.tar.xz")
    rng = np.random.default_rng(7)
    read = apart(
        read_back,
        rig,
        random_faces(30, rng),
        camera_looks(30, rng, people=False),
        model,
        size=224,
        at_rest=False,
    )
    assert read.found.all()
    assert (read.correlations() > 0.5).sum() >= 18
