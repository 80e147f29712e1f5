"""The small geometry under the built-in head, against obvious references."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin.layout import inside, offset_curve
from emo3d_exp.faces.builtin.mesh import cotangent_laplacian, facing, grid_faces, mirror_half, smoothed


def flat_grid(rows: int = 7, columns: int = 9) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(columns) * 0.5, np.arange(rows) * 0.3)
    return np.stack([x, y, 0 * x], -1).reshape(-1, 3), grid_faces(rows, columns)


def test_inside_agrees_with_matplotlib() -> None:
    from matplotlib.path import Path

    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 11))
    polygon = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.3, 1, (11, 1))
    points = rng.uniform(-1, 1, (2000, 2))
    np.testing.assert_array_equal(inside(polygon, points), Path(polygon).contains_points(points))


def test_offset_of_a_circle_is_a_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([np.cos(angle), -np.sin(angle)], 1)
    moved = offset_curve(circle, 0.1, closed=True)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1.1, atol=1e-3)


def test_grid_faces_cover_each_cell_once() -> None:
    vertices, faces = flat_grid()
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)[:, 2] / 2
    np.testing.assert_allclose(area, 0.075)
    assert len(faces) == 6 * 8 * 2
    assert len(grid_faces(3, 5, wrap=True)) == 2 * 5 * 2


def test_facing_turns_triangles_over_only_if_needed() -> None:
    vertices, faces = flat_grid()
    np.testing.assert_array_equal(facing(vertices, faces, np.array([0, 0, 1.0])), faces)
    np.testing.assert_array_equal(facing(vertices, faces, np.array([0, 0, -1.0])), faces[:, [0, 2, 1]])


def test_laplacian_of_a_plane_is_zero_inside_and_areas_add_up() -> None:
    vertices, faces = flat_grid()
    laplacian, areas = cotangent_laplacian(vertices, faces)
    inner = (vertices[:, 0] % 4.0 > 0) & (vertices[:, 1] > 0) & (vertices[:, 1] < 1.75)
    np.testing.assert_allclose((laplacian @ (2 * vertices[:, 0] - vertices[:, 1] + 3))[inner], 0, atol=1e-9)
    np.testing.assert_allclose(laplacian @ np.ones(len(vertices)), 0, atol=1e-12)
    np.testing.assert_allclose(areas.sum(), 4.0 * 1.8, rtol=1e-4)


def test_cotangent_weights_against_a_loop_over_corners() -> None:
    rng = np.random.default_rng(1)
    vertices, faces = flat_grid(4, 4)
    vertices = vertices + rng.normal(0, 0.03, vertices.shape)
    expected = np.zeros((16, 16))
    for face in faces:
        for k in range(3):
            i, j, o = face[k], face[(k + 1) % 3], face[(k + 2) % 3]
            u, v = vertices[i] - vertices[o], vertices[j] - vertices[o]
            angle = np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
            weight = np.clip(1 / np.tan(angle), 0, 6) / 2
            expected[[i, j], [j, i]] -= weight
            expected[[i, j], [i, j]] += weight
    laplacian, _ = cotangent_laplacian(vertices, faces)
    np.testing.assert_allclose(laplacian.toarray(), expected, atol=1e-6)


def test_smoothing_keeps_the_mean_and_shrinks_noise() -> None:
    vertices, faces = flat_grid(20, 20)
    noise = np.random.default_rng(2).normal(0, 1, 400)
    _, areas = cotangent_laplacian(vertices, faces)
    smooth = smoothed(noise, vertices, faces, 0.2)
    np.testing.assert_allclose((areas * smooth).sum(), (areas * noise).sum(), atol=1e-8)
    assert smooth.std() < 0.6 * noise.std()


def test_mirror_half_joins_two_halves_along_the_seam() -> None:
    vertices, faces = flat_grid(3, 3)
    seam = vertices[:, 0] == 0
    source, both, mirror = mirror_half(seam, faces)
    assert len(source) == 9 + 6
    np.testing.assert_array_equal(mirror[mirror], np.arange(15))
    np.testing.assert_array_equal(source[mirror], source)
    whole = vertices[source] * np.where(np.arange(15) < 9, 1, -1)[:, None] ** [1, 0, 0]
    a, b, c = (whole[both[:, k]] for k in range(3))
    np.testing.assert_allclose(np.cross(b - a, c - a)[:, 2], 0.15)
