import numpy as np
import pytest

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.faces import PARTS, load_rig
from emo3d_exp.faces.yielding import YIELDING
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS


def written_out(row: np.ndarray, name: str) -> float:
    """The weight of a shape after it has yielded."""
    side = next((side for side in ("Left", "Right") if name.endswith(side)), "")
    weight = float(row[BLENDSHAPE_INDEX[name]])
    if name.removesuffix(side) not in YIELDING:
        return weight
    other, power = YIELDING[name.removesuffix(side)]
    return weight * (1 - float(row[BLENDSHAPE_INDEX[other + side]]) ** power)


def test_pose_agrees_with_the_sum_written_out(ball):
    weights = np.random.default_rng(1).random((3, 52)).astype(np.float32)
    posed = ball.vertices(weights)
    assert posed.shape == (3, len(ball.neutral), 3) and posed.dtype == np.float32
    for row, face in zip(weights, posed, strict=True):
        expected = ball.neutral.astype(np.float64)
        for name in MORPH_TARGETS:
            weight = written_out(row, name)
            expected = expected + float(weight) * ball.deltas[MORPH_TARGETS.index(name)]
        np.testing.assert_allclose(face, expected, atol=1e-5)


def test_neutral_score_moves_nothing(ball):
    weights = np.zeros((1, 52), np.float32)
    weights[0, 0] = 1
    np.testing.assert_array_equal(ball.vertices(weights)[0], ball.neutral)


@pytest.mark.parametrize("shape", [(52,), (1, 51), (1, 52, 1)])
def test_pose_refuses_other_shapes(ball, shape):
    with pytest.raises(ValueError, match="52"):
        ball.vertices(np.zeros(shape))


@pytest.mark.parametrize(
    "change",
    [
        {"neutral": np.full((192, 3), np.nan, np.float32)},
        {"faces": np.array([[0, 1, 9999]], np.int32)},
        {"faces": np.array([[0, 1, -1]], np.int32)},
        {"deltas": np.zeros((50, 192, 3), np.float32)},
        {"colors": np.zeros((5, 3), np.float32)},
        {"part": np.full(192, len(PARTS), np.uint8)},
        {"masks": {"lips": np.zeros(3, np.float32)}},
        {"missing": ("tongueOut",)},
        {"faces": np.zeros((0, 3), np.int32)},
    ],
)
def test_broken_rigs_are_refused(ball, change, remade):
    with pytest.raises(DataError, match="ball"):
        remade(ball, **change)


def test_fingerprint_follows_the_content_only(ball, remade):
    assert remade(ball, name="other").fingerprint == ball.fingerprint
    for key in ("neutral", "colors", "deltas"):
        changed = getattr(ball, key).copy()
        changed.flat[0] += 1e-3
        assert remade(ball, **{key: changed}).fingerprint != ball.fingerprint
    masked = remade(ball, masks={"lips": np.zeros(192, np.float32)})
    assert masked.fingerprint != ball.fingerprint


def test_a_shut_eye_stays_shut_and_the_other_stays_free(ball):
    row = np.zeros((1, 52), np.float32)
    for name in ("eyeBlinkLeft", "eyeWideLeft", "eyeLookUpLeft", "eyeWideRight"):
        row[0, BLENDSHAPE_INDEX[name]] = 1
    weights = dict(zip(MORPH_TARGETS, ball.weights(row)[0], strict=True))
    assert weights["eyeBlinkLeft"] == 1 and weights["eyeWideRight"] == 1
    assert weights["eyeWideLeft"] == 0 and weights["eyeLookUpLeft"] == 0
    assert row[0, BLENDSHAPE_INDEX["eyeWideLeft"]] == 1, "the argument was changed"


def test_torch_gives_the_same_vertices_and_a_gradient(ball):
    torch = pytest.importorskip("torch")
    weights = np.random.default_rng(2).random((2, 52)).astype(np.float32)
    tensor = torch.tensor(weights, requires_grad=True)
    posed = ball.vertices(tensor)
    np.testing.assert_allclose(posed.detach().numpy(), ball.vertices(weights), atol=1e-5)
    posed.square().sum().backward()
    assert tensor.grad[:, 0].eq(0).all() and tensor.grad[:, 1:].abs().sum() > 0


def test_eyes_are_where_the_eyeballs_are(builtin, ball):
    left, right = builtin.eyes
    assert (left.side, right.side) == ("left", "right")
    np.testing.assert_allclose(left.center, np.array(right.center) * [-1, 1, 1], atol=1e-4)
    assert 0.2 < left.radius < 0.3 and left.center[0] > 0.4
    assert ball.eyes == ()


def test_builtin_has_every_target_and_the_masks_that_looks_need(builtin):
    assert builtin.missing == ()
    assert (np.abs(builtin.deltas).max(axis=(1, 2)) > 1e-3).all()
    assert {"lips", "brows", "hair", "iris", "pupil", "stubble", "age_lines"} <= set(builtin.masks)
    assert set(np.unique(builtin.part)) == set(range(len(PARTS)))
    assert load_rig("builtin").fingerprint == builtin.fingerprint


def test_builtin_moves_the_right_way(builtin):
    def mean_motion(name: str, mask: np.ndarray) -> np.ndarray:
        return builtin.deltas[MORPH_TARGETS.index(name)][mask].mean(axis=0)

    left, brows = builtin.neutral[:, 0] > 0.1, builtin.masks["brows"] > 0.5
    assert mean_motion("browDownLeft", brows & left)[1] < -0.02
    assert abs(mean_motion("browDownLeft", brows & ~left)[1]) < 0.01
    assert mean_motion("browInnerUp", brows)[1] > 0.02
    eye = builtin.part == PARTS.index("eye_left")
    pupil = eye & (builtin.masks["pupil"] > 0.5)
    assert mean_motion("eyeLookOutLeft", pupil)[0] > 0.05
    assert mean_motion("eyeLookUpLeft", pupil)[1] > 0.05


def test_load_rig_explains_wrong_choices(tmp_path):
    with pytest.raises(ConfigError, match="builtin, ict_facekit, gltf"):
        load_rig("metahuman")
    with pytest.raises(ConfigError, match=r"rig\.path"):
        load_rig("gltf")
    with pytest.raises(ConfigError, match="takes no path"):
        load_rig("builtin", tmp_path / "face.glb")
