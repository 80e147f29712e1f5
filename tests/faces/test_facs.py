import numpy as np
import pytest

from emo3d_exp.faces import FACSPrior
from emo3d_exp.faces.action_units import EMOTION_UNITS, UNIT_BLENDSHAPES, VARIANTS
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, EMOTION_INDEX, EMOTIONS, MIRROR_PERMUTATION

CORE = {
    "happiness": {"cheekSquint", "mouthSmile"},
    "surprise": {"browInnerUp", "browOuterUp", "eyeWide", "jawOpen"},
    "sadness": {"browInnerUp", "browDown", "mouthFrown", "mouthShrugLower"},
    "anger": {"browDown", "eyeWide", "eyeSquint", "mouthPress"},
    "disgust": {"noseSneer", "mouthUpperUp", "mouthShrugLower"},
    "fear": {"browInnerUp", "browOuterUp", "browDown", "eyeWide", "mouthStretch", "jawOpen"},
    "contempt": {"mouthSmile", "mouthDimple"},
}


def balanced(count, seed=0):
    """Emotion vectors as texts get them: a dominant one, now and then a second, some neutral."""
    rng = np.random.default_rng(seed)
    rows, main = np.arange(count), np.arange(count) % len(EMOTIONS)
    emotions = np.zeros((count, len(EMOTIONS)))
    emotions[rows, main] = rng.uniform(0.4, 1, count)
    second = rng.integers(0, len(EMOTIONS), count)
    add = np.where(rng.random(count) < 0.6, rng.uniform(0.05, 0.4, count), 0)
    emotions[rows, second] = np.maximum(emotions[rows, second], add)
    return emotions


def value(face, name):
    return float(face[BLENDSHAPE_INDEX.get(name, BLENDSHAPE_INDEX.get(name + "Left", 0))])


@pytest.mark.parametrize("emotion", list(CORE))
def test_prototypes_show_the_units_of_their_emotion(emotion):
    intensities = np.zeros((1, 8))
    intensities[0, EMOTION_INDEX[emotion]] = 1
    face = FACSPrior().prototype(intensities)[0]
    for name in CORE[emotion]:
        assert value(face, name) > 0.2, name


def test_noisy_or_against_loops():
    rng = np.random.default_rng(4)
    emotions = rng.random((5, 8))
    faces = FACSPrior().prototype(emotions)
    for row, face in zip(emotions, faces, strict=True):
        damping = 1 - 0.6 * row[0]
        for side in ("Left", "Right"):
            contraction = {}
            for unit in UNIT_BLENDSHAPES:
                rest = 1.0
                for emotion, units in EMOTION_UNITS.items():
                    if emotion == "contempt" and side == "Right":
                        continue
                    rest *= 1 - row[EMOTION_INDEX[emotion]] ** 0.8 * damping * units.get(unit, 0.0)
                contraction[unit] = 1 - rest
            for name in (
                n for n in BLENDSHAPES if n.endswith(side) and n.removesuffix(side) not in ("jaw", "mouth")
            ):
                rest = 1.0
                for unit, spread in UNIT_BLENDSHAPES.items():
                    rest *= 1 - contraction[unit] * spread.get(name.removesuffix(side), 0.0)
                assert face[BLENDSHAPE_INDEX[name]] == pytest.approx(1 - rest, abs=1e-6), name


def test_range_type_neutral_column():
    emotions = np.concatenate([balanced(400), np.zeros((1, 8)), np.ones((1, 8))])
    prior = FACSPrior(variation=2.0)
    for faces in (prior.prototype(emotions), prior.sample(emotions, np.random.default_rng(0))):
        assert faces.shape == (402, 52) and faces.dtype == np.float32
        assert faces.min() >= 0 and faces.max() <= 1 and not faces[:, 0].any()


def test_no_emotion_and_neutral_give_the_still_face():
    emotions = np.zeros((2, 8))
    emotions[1, 0] = 1
    assert not FACSPrior().prototype(emotions).any()


def test_neutral_damps_and_intensity_raises():
    emotions = np.zeros((4, 8))
    emotions[:, EMOTION_INDEX["anger"]] = [0.3, 0.6, 0.9, 0.9]
    emotions[3, 0] = 0.8
    energy = FACSPrior().prototype(emotions).sum(axis=1)
    assert energy[0] < energy[1] < energy[2] and energy[3] < 0.7 * energy[2]


def test_symmetric_but_for_contempt_which_can_change_sides():
    emotions = balanced(100)
    without = emotions.copy()
    without[:, EMOTION_INDEX["contempt"]] = 0
    prior = FACSPrior()
    faces = prior.prototype(without)
    np.testing.assert_allclose(faces, faces[:, MIRROR_PERMUTATION], atol=1e-6)
    left, right = prior.prototype(emotions, side="Left"), prior.prototype(emotions, side="Right")
    np.testing.assert_allclose(left, right[:, MIRROR_PERMUTATION], atol=1e-6)
    only = np.eye(8)[[EMOTION_INDEX["contempt"]]]
    face = prior.prototype(only)[0]
    assert face[BLENDSHAPE_INDEX["mouthDimpleLeft"]] > 0.5 and face[BLENDSHAPE_INDEX["mouthDimpleRight"]] == 0


def test_samples_take_both_sides_and_repeat_with_the_seed():
    emotions = np.repeat(np.eye(8)[[EMOTION_INDEX["contempt"]]], 200, axis=0)
    prior = FACSPrior()
    first, again = (prior.sample(emotions, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    left = first[:, BLENDSHAPE_INDEX["mouthDimpleLeft"]]
    right = first[:, BLENDSHAPE_INDEX["mouthDimpleRight"]]
    assert 60 < (left > right).sum() < 140 and np.minimum(left, right).max() < 0.3


def test_irreducible_part_of_the_variance():
    emotions, rng = balanced(800), np.random.default_rng(2)
    samples = np.stack([FACSPrior().sample(emotions, rng) for _ in range(16)])
    within = samples.var(axis=0, ddof=1).mean()
    share = within / samples.reshape(-1, 52).var(axis=0).mean()
    assert 0.24 < share < 0.31


def test_no_variation_leaves_the_prototype():
    emotions = balanced(50)
    prior = FACSPrior(variation=0.0)
    samples = prior.sample(emotions, np.random.default_rng(0))
    left, right = prior.prototype(emotions), prior.prototype(emotions, side="Right")
    distance = np.minimum(np.abs(samples - left).max(axis=1), np.abs(samples - right).max(axis=1))
    assert distance.max() < 1e-6


def test_samples_stay_nearest_to_their_own_prototype():
    emotions = np.repeat(np.eye(8)[1:] * 0.7, 100, axis=0)
    samples = FACSPrior().sample(emotions, np.random.default_rng(3))
    prior = FACSPrior()
    both = [prior.prototype(np.eye(8)[1:] * 0.7, side=side) for side in ("Left", "Right")]
    distance = np.minimum(*[((samples[:, None] - p[None]) ** 2).sum(axis=2) for p in both])
    right = distance.argmin(axis=1) == np.repeat(np.arange(7), 100)
    assert right.reshape(7, 100).mean(axis=1).min() > 0.85


def test_tables_are_consistent():
    known = {name.removesuffix("Left") for name in BLENDSHAPES} | set(BLENDSHAPES)
    assert all(stem in known for spread in UNIT_BLENDSHAPES.values() for stem in spread)
    assert set(EMOTION_UNITS) == set(EMOTIONS[1:]) == set(VARIANTS)
    for emotion, variants in VARIANTS.items():
        assert sum(chance for chance, _ in variants) == pytest.approx(1)
        assert set(EMOTION_UNITS[emotion]) <= set(UNIT_BLENDSHAPES)


@pytest.mark.parametrize(
    "bad", [np.zeros(8), np.zeros((1, 7)), np.full((1, 8), 1.5), np.full((1, 8), np.nan)]
)
def test_bad_emotions_are_refused(bad):
    with pytest.raises(ValueError):
        FACSPrior().prototype(bad)
    with pytest.raises(ValueError):
        FACSPrior(variation=-1)
