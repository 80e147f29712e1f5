"""The real ICT-FaceKit: what moves, what mirrors, what shows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from emo3d_exp.faces import PARTS, FACSPrior, ICTFaces, Look, Renderer, Rig, load_ict_faces, load_rig
from emo3d_exp.faces.audits import audit_half_shut_eyes, audit_shut_eyes, audit_torn
from emo3d_exp.faces.part_view import PartView
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MIRROR_PERMUTATION, MORPH_TARGETS

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def archive(shared: Path) -> Path:
    file = shared / "data" / "ict_facekit" / "ict_facekit_light.tar.xz"
    if not file.is_file():
        pytest.skip(f"no {file}")
    return file


@pytest.fixture(scope="module")
def faces(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> ICTFaces:
    """Converted once for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(tmp_path_factory.mktemp("cache")))
        faces = load_ict_faces(archive)
        assert load_rig("ict_facekit", archive).fingerprint == faces.rig().fingerprint
        return faces


@pytest.fixture(scope="module")
def rig(faces: ICTFaces) -> Rig:
    return faces.rig()


def posed(rig: Rig, **weights: float) -> np.ndarray:
    face = np.zeros((1, 52), np.float32)
    for name, weight in weights.items():
        face[0, BLENDSHAPE_INDEX[name]] = weight
    return rig.vertices(face)[0]


def test_all_51_shapes_move_something(rig, faces):
    assert rig.missing == () and len(faces.identities) == 8
    reach = np.linalg.norm(rig.deltas, axis=2).max(axis=1)
    assert reach.min() > 0.02, MORPH_TARGETS[int(reach.argmin())]


def test_left_and_right_mirror_each_other(rig):
    skin = rig.part == PARTS.index("skin")
    points = rig.neutral[skin]
    gap, twin = cKDTree(points).query(points * [-1, 1, 1])
    assert gap.max() < 2e-3
    for index, name in enumerate(MORPH_TARGETS):
        other = MIRROR_PERMUTATION[index + 1] - 1
        own, mirrored = rig.deltas[index, skin], rig.deltas[other, skin][twin] * [-1, 1, 1]
        limit = 0.16 * np.linalg.norm(own, axis=1).max()
        assert np.quantile(np.linalg.norm(own - mirrored, axis=1), 0.99) < limit, name


@pytest.mark.parametrize(("shape", "axis", "sign"), [
    ("jawOpen", 1, -1), ("mouthSmileLeft", 1, 1), ("browInnerUp", 1, 1), ("mouthLeft", 0, 1),
    ("mouthRight", 0, -1), ("jawLeft", 0, 1), ("jawForward", 2, 1), ("mouthFrownLeft", 1, -1),
])  # fmt: skip
def test_shapes_move_the_expected_way(shape, axis, sign, rig):
    delta = rig.deltas[MORPH_TARGETS.index(shape)]
    strongest = delta[np.abs(delta[:, axis]).argmax(), axis]
    assert np.sign(strongest) == sign


def test_proportions_are_those_measured_on_the_scan(rig, shared):
    """``golden/face_motion.csv`` holds points of the neutral in the same unit, from a near origin."""
    with (shared / "golden" / "face_motion.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["shape"] == "neutral"]
    points = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    tree, shift = cKDTree(rig.neutral), np.zeros(3)
    for _ in range(20):
        gap, near = tree.query(points - shift)
        shift = np.median(points - rig.neutral[near], axis=0)
    assert len(points) == 39 and np.abs(shift).max() < 0.05
    assert np.median(gap) < 0.02 and gap.max() < 0.04


def test_lips_of_the_resting_face_are_closed(rig):
    mouth = PartView(rig, size=448)(np.zeros(52), Look(hair_style="bald")).mouth
    assert mouth.sum() <= 8


@pytest.mark.slow
def test_lids_close_and_never_let_the_eyeball_through(rig):
    view = PartView(rig, size=224)
    looks = [Look(hair_style="bald", yaw=yaw) for yaw in (-12, -6, 0, 6, 12, 3)]
    for audit in (audit_shut_eyes, audit_half_shut_eyes, audit_torn):
        result = audit(view, looks, np.random.default_rng(3))
        assert result.values.max() <= result.limit, result.name


def test_gaze_moves_the_irises_on_the_picture(rig):
    renderer, look = Renderer(rig, size=224), Look(hair_style="bald", framing=2.0)
    straight, left, right = (np.zeros(52) for _ in range(3))
    left[[BLENDSHAPE_INDEX["eyeLookOutLeft"], BLENDSHAPE_INDEX["eyeLookInRight"]]] = 1
    right[[BLENDSHAPE_INDEX["eyeLookInLeft"], BLENDSHAPE_INDEX["eyeLookOutRight"]]] = 1
    view = PartView(rig, size=224)
    images = renderer.render(np.stack([straight, left, right]), look).mean(axis=3)
    middles = []
    for image, face in zip(images, (straight, left, right), strict=True):
        dark = (view(face, look).eye >= 0) & (image < 110)
        middles.append(np.nonzero(dark)[1].mean())
    assert middles[2] + 3 < middles[0] < middles[1] - 3


def test_identities_are_people(faces):
    rng = np.random.default_rng(0)
    for _ in range(3):
        person = faces.random(rng)
        assert np.abs(person.neutral).max() < 6 and np.isfinite(person.neutral).all()
        left, right = person.eyes
        assert 0.85 < left.center[0] - right.center[0] < 1.15
        image = Renderer(person, size=64).render(np.zeros(52), Look(hair_style="bald"))
        assert 0.25 < (np.abs(image[0].astype(int) - image[0, 0, 0]).max(axis=2) > 20).mean() < 0.95


def test_the_eight_emotions_look_different(rig):
    faces_of_emotions = FACSPrior().prototype(np.eye(8))
    images = Renderer(rig, size=96).render(faces_of_emotions, Look(hair_style="bald")).astype(int)
    changed = np.abs(images[:, None] - images[None]).max(axis=-1) > 24
    share = changed.mean(axis=(2, 3))
    assert share[~np.eye(8, dtype=bool)].min() > 0.004


def test_rolled_lips_stay_before_the_teeth_when_others_part_them(rig):
    view = PartView(rig)
    for weights in (
        {"mouthRollUpper": 0.92, "mouthUpperUpLeft": 0.56, "mouthUpperUpRight": 0.56},
        {"mouthRollLower": 0.95, "mouthUpperUpLeft": 0.67, "mouthUpperUpRight": 0.67},
        {"mouthRollUpper": 0.78, "mouthShrugUpper": 0.5},
    ):
        face = np.zeros(52, np.float32)
        face[[BLENDSHAPE_INDEX[name] for name in weights]] = list(weights.values())
        parts = view(face)
        assert (parts.mouth & parts.pierces).sum() <= 8, weights
