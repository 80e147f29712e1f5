import numpy as np
import pytest

from emo3d_exp.faces.hair_arcs import arcs, untangled
from emo3d_exp.faces.scalp import directions, hairline


def steps(start, end):
    """Change of direction from one start to the next, seen from ``end``."""
    side = np.cross([0.0, 1.0, 0.0], end)
    side /= np.linalg.norm(side)
    return np.diff(np.unwrap(np.arctan2(start @ side, start @ np.cross(end, side))))


@pytest.mark.parametrize("swirl", [0, 28, 60])
def test_arcs_from_the_whole_hairline_keep_their_order(swirl):
    azimuth = np.linspace(-180, 180, 84)
    start, end = directions(azimuth, hairline(azimuth)), directions(180 + swirl, 68 - swirl / 4)
    assert (steps(start, end) > 0).any(), "the hairline before the ears runs backwards"
    turned = untangled(start, end)
    assert (steps(turned, end) < -1e-3).all()
    np.testing.assert_allclose(turned @ end, start @ end, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1)
    np.testing.assert_allclose(turned[0], turned[-1], atol=1e-9)
    assert np.rad2deg(np.arccos((turned * start).sum(axis=1).clip(-1, 1))).max() < 6


def test_arcs_are_great_circles_from_start_to_end():
    start, end = directions(np.array([10.0, 80.0]), np.array([0.0, 20.0])), directions(180.0, 60.0)
    rows = arcs(start, np.broadcast_to(end, start.shape), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(rows[[0, 2]], [start, [end, end]], atol=1e-12)
    middle = (start + end) / np.linalg.norm(start + end, axis=1, keepdims=True)
    np.testing.assert_allclose(rows[1], middle)
