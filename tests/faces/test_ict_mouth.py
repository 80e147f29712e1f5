"""Teeth, gums and the dark of ICT-FaceKit's mouth, on a made-up checkout."""

from __future__ import annotations

import numpy as np
import pytest
from ict_checkout import Checkout

from emo3d_exp.faces import PARTS
from emo3d_exp.faces.ict.mouth import mouth_parts
from emo3d_exp.faces.ict.topology import NEUTRAL


@pytest.fixture(scope="module")
def made() -> Checkout:
    return Checkout()


def test_gums_end_in_a_line_over_the_teeth_and_back_teeth_sink_in_the_dark(made):
    rows = np.array([*made.groups["gums_tongue"], *made.groups["teeth"]])
    neutral = np.zeros_like(made.neutral)
    neutral[rows, 1] = np.tile([-0.7, -1.0, -1.05], 6)
    neutral[rows, 2] = np.tile(np.repeat([0.4, 0.0, -0.4], 3), 2)
    positions = {NEUTRAL: neutral, "jawOpen": neutral}
    part, colors, masks = mouth_parts(positions, rows, made.topology)
    assert np.array_equal(masks["gums"] > 0.5, np.tile([True, False, False], 6))
    front, deep = PARTS.index("teeth"), PARTS.index("mouth_bag")
    assert np.array_equal(part, np.tile(np.repeat([front, deep, deep], 3), 2))
    enamel = colors[len(rows) // 2 :].reshape(3, 3, 3)[:, 1:].max(axis=(1, 2))
    assert enamel[0] > 2 * enamel[1] > 2 * enamel[2] > 0


def test_the_jaw_carries_a_line_of_its_own(made):
    rows = np.array([*made.groups["teeth"]])
    neutral = np.zeros_like(made.neutral)
    neutral[rows, 1] = np.linspace(-1.5, -0.7, len(rows))
    opened = neutral - [0, 0.5, 0]
    _, _, masks = mouth_parts({NEUTRAL: neutral, "jawOpen": opened}, rows, made.topology)
    assert np.array_equal(masks["gums"] > 0.5, neutral[rows, 1] < -1.275)
