"""ICT-FaceKit as a rig, on a made-up checkout: motion, eyes, identities, the cache."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from ict_checkout import EYE, Checkout

from emo3d_exp.app.cli import CONF
from emo3d_exp.errors import ConfigError, WeightsUnavailableError
from emo3d_exp.faces import PARTS, ICTFaces, Look, Renderer, load_ict_faces, load_rig
from emo3d_exp.faces.ict import model, store
from emo3d_exp.faces.ict.convert import STILL
from emo3d_exp.faces.ict.occlusion import ambient_occlusion
from emo3d_exp.faces.ict.openings import find_openings
from emo3d_exp.faces.ict.topology import NEUTRAL
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS

UNIT = 2 * EYE[0]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with nothing in it, not even the heads that other tests share."""
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def made() -> Checkout:
    return Checkout()


@pytest.fixture(scope="module")
def checkout(made: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("ict"))


@pytest.fixture(scope="module")
def faces(made: Checkout, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> ICTFaces:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(tmp_path_factory.mktemp("cache")))
        return load_ict_faces(checkout, made.topology)


def drawn(made: Checkout) -> np.ndarray:
    """Numbers of the toolkit's vertices that come first in the rig."""
    groups = ("face", "head", "mouth_socket", "gums_tongue", "teeth")
    return np.concatenate([np.array(made.groups[group]) for group in groups])


@pytest.mark.parametrize(
    ("target", "stems"),
    [
        ("jawOpen", ["jawOpen"]),
        ("browInnerUp", ["browInnerUp_L", "browInnerUp_R"]),
        ("mouthSmileRight", ["mouthSmile_R"]),
        ("mouthLeft", ["mouthLeft"]),
        ("eyeLookUpLeft", ["eyeLookUp_L"]),
    ],
)
def test_deltas_are_the_files_moves(target, stems, made, faces):
    rows = drawn(made)
    expected = sum(made.positions[stem][rows] - made.neutral[rows] for stem in stems) / UNIT
    expected[np.linalg.norm(expected, axis=1) < STILL] = 0
    delta = faces.rig().deltas[MORPH_TARGETS.index(target), : len(rows)]
    np.testing.assert_allclose(delta, expected, atol=2e-4)


def test_parts_and_origin_are_where_they_belong(made, faces):
    rig, rows = faces.rig(), drawn(made)
    assert rig.missing == () and set(np.unique(rig.part)) <= set(range(len(PARTS)))
    for name in ("skin", "mouth_bag", "teeth", "eye_left", "eye_right", "catchlight"):
        assert (rig.part == PARTS.index(name)).sum() > 0, name
    left, right = rig.eyes
    assert left.side == "left" and left.center[0] == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(left.center, np.array(right.center) * [-1, 1, 1], atol=1e-4)
    ears = np.flatnonzero(np.isin(rows, made.groups["head"]))
    expected = (made.neutral[rows[ears]] - [0, EYE[1], EYE[2]]) / UNIT
    np.testing.assert_allclose(rig.neutral[ears], expected, atol=0.02)


def test_eyes_turn_by_the_stated_angles(faces):
    rig = faces.rig()
    for side, sign in (("left", 1), ("right", -1)):
        eye = next(eye for eye in rig.eyes if eye.side == side)
        rows = np.flatnonzero(rig.part == PARTS.index(f"eye_{side}"))
        pole = rows[np.argmax(rig.neutral[rows, 2])]
        for shape, across, height in (("Out", 30, 0), ("In", -30, 0), ("Up", 0, 22), ("Down", 0, -22)):
            weights = np.zeros((1, 52), np.float32)
            weights[0, BLENDSHAPE_INDEX[f"eyeLook{shape}{side.capitalize()}"]] = 1
            x, y, z = rig.vertices(weights)[0][pole] - np.array(eye.center)
            assert np.degrees(np.arctan2(x, z)) == pytest.approx(sign * across, abs=1.0)
            assert np.degrees(np.arcsin(y / np.sqrt(x * x + y * y + z * z))) == pytest.approx(height, abs=1.0)


def test_skin_faces_outwards_and_eyeballs_too(faces):
    rig = faces.rig()
    a, b, c = (rig.neutral[rig.faces[:, k]] for k in range(3))
    normals, part = np.cross(b - a, c - a), rig.part[rig.faces[:, 0]]
    assert (normals[part == PARTS.index("skin"), 2] > 0).all()
    for eye in rig.eyes:
        ball = part == PARTS.index(f"eye_{eye.side}")
        outward = (a + b + c)[ball] / 3 - np.array(eye.center)
        assert (np.einsum("ij,ij->i", normals[ball], outward) > 0).all()


def test_identities_mix_linearly(made, faces):
    rows = drawn(made)
    rig = faces.rig([0.5, -1.5])
    shifts = [made.positions[f"identity00{k}"][rows] - made.neutral[rows] for k in (0, 1)]
    expected = faces.rig().neutral[: len(rows)] + (0.5 * shifts[0] - 1.5 * shifts[1]) / UNIT
    np.testing.assert_allclose(rig.neutral[: len(rows)], expected, atol=1e-5)
    np.testing.assert_array_equal(rig.deltas[:, : len(rows)], faces.rig().deltas[:, : len(rows)])


def test_eyes_of_another_identity_turn_about_their_own_centre(faces):
    rig = faces.rig([3.0, 3.0])
    left = np.flatnonzero(rig.part == PARTS.index("eye_left"))
    center = np.array(rig.eyes[0].center)
    turned = rig.neutral[left] + rig.deltas[MORPH_TARGETS.index("eyeLookOutLeft"), left]
    before, after = (np.linalg.norm(points - center, axis=1) for points in (rig.neutral[left], turned))
    np.testing.assert_allclose(after, before, atol=5e-3)
    assert not np.allclose(rig.eyes[0].center, faces.rig().eyes[0].center, atol=1e-3)


@pytest.mark.parametrize(
    "identity", [[0.0] * 3, [np.nan], [np.inf], "12", 0.5, ["a"], [[0.0, 1.0]], [None], {"a": 1}]
)
def test_unusable_identities_are_refused(identity, faces):
    with pytest.raises(ConfigError, match="identity"):
        faces.rig(identity)


def test_identities_come_from_the_config(made, checkout, cache, monkeypatch, faces):
    monkeypatch.setattr(model, "load_ict_faces", lambda path: load_ict_faces(path, made.topology))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        given = [f"rig.path={checkout}", "rig=ict_facekit"]
        person, mean, many = (
            compose("export", [*given, *more]).rig
            for more in (["rig.identity=[0.5,-1]"], ["rig.identity=null"], ["rig.identity=[1,2,3]"])
        )
    assert instantiate(person).fingerprint == faces.rig([0.5, -1]).fingerprint
    assert instantiate(mean).fingerprint == faces.rig().fingerprint != faces.rig([0.5, -1]).fingerprint
    with pytest.raises(InstantiationException, match="identity has 3 coefficients; give at most 2"):
        instantiate(many)


@pytest.mark.parametrize("name", ["builtin", "gltf"])
def test_other_rigs_have_no_identities(name):
    with pytest.raises(ConfigError, match=rf"rig={name} has no identities.*rig=ict_facekit"):
        load_rig(name, identity=[0.5])


def test_random_people_follow_the_generator(faces):
    one, again = (faces.random(np.random.default_rng(4)) for _ in range(2))
    assert one.fingerprint == again.fingerprint != faces.random(np.random.default_rng(5)).fingerprint
    assert faces.random(np.random.default_rng(4), spread=0).fingerprint == faces.rig().fingerprint


def test_the_look_paints_it(faces):
    renderer = Renderer(faces.rig(), size=48)
    fair, dark = renderer.render(np.zeros((2, 52)), [Look(skin=(0.9, 0.7, 0.6)), Look(skin=(0.3, 0.2, 0.15))])
    assert fair.astype(int).sum() > 1.2 * dark.astype(int).sum()


def test_a_second_start_reads_the_cache(made, checkout, cache, monkeypatch):
    first = load_ict_faces(checkout, made.topology).rig()
    monkeypatch.setattr(model, "read_meshes", lambda path: pytest.fail("read again"))
    assert load_ict_faces(checkout, made.topology).rig().fingerprint == first.fingerprint
    assert len(list((cache / "rigs").iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "foreign"])
def test_a_damaged_cache_is_made_again(damage, made, checkout, cache, caplog):
    first = load_ict_faces(checkout, made.topology).rig()
    (file,) = (cache / "rigs").iterdir()
    data = bytearray(file.read_bytes())
    if damage == "foreign":
        np.savez(file, neutral=np.zeros((1, 3)))
    else:
        data[len(data) // 2] ^= 0xFF
        file.write_bytes({"truncate": data[: len(data) // 2], "flip": data, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        again = load_ict_faces(checkout, made.topology).rig()
    assert again.fingerprint == first.fingerprint and "is damaged" in caplog.text
    assert store.load(file) is not None


def test_arrays_that_differ_from_their_checksum_are_refused(tmp_path):
    store.save(tmp_path / "a.npz", {"x": np.arange(3)})
    with np.load(tmp_path / "a.npz") as stored:
        arrays = dict(stored)
    np.savez(tmp_path / "a.npz", **(arrays | {"x": np.arange(3) + 1}))
    assert store.load(tmp_path / "a.npz") is None


def test_a_new_converter_makes_a_new_file(made, monkeypatch):
    before = store.cached_file("source", made.topology)
    monkeypatch.setattr(store, "CONVERTER_VERSION", store.CONVERTER_VERSION + 1)
    assert store.cached_file("source", made.topology) != before


def test_without_a_copy_or_a_network_the_cure_is_named(cache):
    with pytest.raises(
        WeightsUnavailableError, match=r"FaceXModel/.*cannot be fetched.*rig\.path=.*rig=builtin"
    ):
        load_rig("ict_facekit")


def test_rings_agree_with_walking_outwards(made):
    openings = find_openings(made.polygons, made.topology)
    neighbours: dict[int, set[int]] = {}
    for polygon in made.polygons:
        for k, corner in enumerate(polygon):
            neighbours.setdefault(corner, set()).update((polygon[k - 1], polygon[(k + 1) % len(polygon)]))
    face, socket = made.groups["face"], made.groups["mouth_socket"]
    shared = [p for p in made.polygons if any(v in socket for v in p)]
    front = {v for p in shared for v in p if v in face}
    expected, step = {}, 0
    while front:
        expected |= dict.fromkeys(front, step)
        front = {n for v in front for n in neighbours[v]} - expected.keys()
        step += 1
    walked = np.array([expected.get(v, np.inf) for v in range(len(made.positions[NEUTRAL]))])
    np.testing.assert_array_equal(openings.mouth, walked)


def test_occlusion_agrees_with_the_sum_written_out():
    rng = np.random.default_rng(2)
    points, normals, areas = rng.random((40, 3)), rng.normal(size=(40, 3)), rng.random(40)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    expected = []
    for i in range(40):
        total = risen = 0.0
        for j in range(40):
            distance = float(np.linalg.norm(points[j] - points[i]))
            if i != j and distance <= 0.5:
                weight = areas[j] * (1 - distance / 0.5)
                total += weight
                risen += weight * max(0.0, float((points[j] - points[i]) @ normals[i]) / distance - 0.08)
        expected.append(risen / total if total else 0.0)
    np.testing.assert_allclose(ambient_occlusion(points, normals, areas, 0.5), expected, atol=1e-12)
