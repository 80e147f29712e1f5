import numpy as np
import pytest

from emo3d_exp.faces import PARTS, FACSPrior, Renderer, light_rig, random_look
from emo3d_exp.faces.collapse import collapse
from emo3d_exp.faces.lod import keep, part_of
from emo3d_exp.faces.visibility import visibility
from emo3d_exp.vocab import EMOTIONS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rigs")


@pytest.fixture(scope="module")
def light(builtin, folder):
    return light_rig(builtin, folder=folder)


@pytest.fixture(scope="module")
def renderers(builtin, light):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emo3d_exp.faces.renderer.light_rig", lambda rig: light)
        return Renderer(builtin, detail="full"), Renderer(builtin, detail="light")


def grid(side):
    """A flat square of ``side`` by ``side`` vertices."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    points = np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], axis=1) / (side - 1)
    at = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    return points, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def areas(points, faces):
    a, b, c = (points[faces[:, k], :3] for k in range(3))
    return np.cross(b - a, c - a) / 2


def psnr(a, b):
    return -10 * np.log10(((a.astype(float) - b) ** 2).mean(axis=(1, 2, 3)) / 255**2)


def test_flat_square_keeps_outline_and_area():
    points, faces = grid(9)
    fewer = collapse(points, faces, np.zeros(81, int), np.ones(81), 4)
    assert len(np.unique(fewer)) < 20
    area = areas(points, fewer)
    assert (area[:, 2] > 0).all() and area[:, 2].sum() == pytest.approx(1)
    assert set(np.unique(fewer)) >= {0, 8, 72, 80}


def test_detail_is_kept_where_it_is():
    points, faces = grid(15)
    bump = np.exp(-((points[:, :2] - 0.5) ** 2).sum(1) / 0.01)
    fewer = collapse(np.c_[points, 0.3 * bump], faces, np.zeros(225, int), np.ones(225), 60)
    near = np.hypot(*(points[np.unique(fewer), :2] - 0.5).T) < 0.25
    assert near.mean() > 0.5


def test_groups_stay_apart_and_seams_stay():
    points, faces = grid(9)
    group = (points[:, 0] > 0.5).astype(int)
    fewer = collapse(points, faces, group, np.ones(81), 4)
    seam = np.flatnonzero(np.isin(points[:, 0], (0.5, 0.625)))
    assert set(seam) <= set(np.unique(fewer).tolist())


def test_closed_surface_stays_closed_and_does_not_shrink_away(ball):
    closed = np.concatenate([ball.faces, cap(0), cap(11)[:, ::-1]])
    fewer = collapse(ball.neutral, closed, np.zeros(192, int), np.ones(192), 60)
    edges = np.sort(fewer[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    count = len(np.unique(fewer))
    assert count == 60 and count - len(edges) / 2 + len(fewer) == 2
    inside = np.einsum("ij,ij->i", ball.neutral[fewer[:, 0]], areas(ball.neutral, fewer)).sum() / 3
    whole = np.einsum("ij,ij->i", ball.neutral[closed[:, 0]], areas(ball.neutral, closed)).sum() / 3
    assert 0.9 < inside / whole <= 1


def cap(ring, columns=16):
    first = ring * columns
    return np.array([[first, first + k, first + k + 1] for k in range(1, columns - 1)], np.int32)


def test_light_rig_is_part_of_the_full_one_and_has_every_part(builtin, light):
    rows = {row.tobytes() for row in builtin.neutral}
    assert all(row.tobytes() in rows for row in light.neutral)
    assert len(light.neutral) < 0.35 * len(builtin.neutral)
    for code, name in enumerate(PARTS):
        assert ((light.part == code).sum() > 3) == ((builtin.part == code).sum() > 3), name
    assert light.missing == builtin.missing and set(light.masks) == set(builtin.masks)


def test_light_rig_is_its_own_mirror_image(builtin, light):
    assert same_as_mirrored(builtin), "the full head is no mirror image any more; the light one cannot be"
    assert same_as_mirrored(light)


def same_as_mirrored(rig):
    def ordered(rows):
        return rows[np.lexsort(rows.T)]

    return np.array_equal(ordered(rig.neutral), ordered(rig.neutral * np.float32([-1, 1, 1]) + 0.0))


def test_light_pictures_are_near_the_full_ones(renderers):
    rng = np.random.default_rng(4)
    faces = np.concatenate(
        [FACSPrior().prototype(np.eye(len(EMOTIONS))[:4] * 0.8), rng.random((3, 52)) * 0.3]
    )
    looks = [random_look(rng) for _ in faces]
    full, light = (renderer.render(faces, looks) for renderer in renderers)
    assert psnr(full, light).mean() >= 35


def test_light_bytes_are_the_same_alone_in_a_batch_and_on_threads(renderers):
    rng = np.random.default_rng(3)
    weights, looks = rng.random((4, 52)) * 0.5, [random_look(rng) for _ in range(4)]
    for renderer in renderers:
        alone = np.concatenate([renderer.render(weights[i], looks[i]) for i in (3, 2, 1, 0)])[::-1]
        for workers in (1, 3):
            renderer.workers = workers
            np.testing.assert_array_equal(renderer.render(weights, looks), alone)


def test_fingerprints_of_full_and_light_differ(renderers):
    assert renderers[0].fingerprint != renderers[1].fingerprint


def test_light_rig_is_made_once_and_again_when_its_file_is_damaged(ball, tmp_path, caplog):
    first = light_rig(ball, 100, tmp_path)
    (file,) = tmp_path.glob("*.npz")
    before = file.read_bytes()
    assert light_rig(ball, 100, tmp_path).fingerprint == first.fingerprint
    file.write_bytes(before[:40])
    assert light_rig(ball, 100, tmp_path).fingerprint == first.fingerprint
    assert "damaged" in caplog.text and file.read_bytes() == before
    assert light_rig(ball, 192, tmp_path) is ball


def test_same_triangles_every_time(ball):
    first, second = keep(ball, 80), keep(ball, 80)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(part_of(ball, *first).deltas, ball.deltas[:, first[0]])


def test_visible_in_front_and_hidden_inside(builtin):
    seen = visibility(builtin, random=0)
    assert seen[builtin.part == PARTS.index("catchlight")].min() > 0.5
    assert seen[builtin.part == PARTS.index("mouth_bag")].mean() < 0.5
    front = np.argmax(builtin.neutral[:, 2])
    assert seen[front] > 0.95 and seen.min() >= 0 and seen.max() <= 1
