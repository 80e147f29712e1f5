"""A small rig, three faces, and what they answer."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.exporters import ExportRequest
from emo3d_exp.faces import Rig

HOSTILE = ("../../etc/passwd\nv 9 9 9\\", 'C:\\x"; </script>', "گریه و خنده\u2028\ud800")


@pytest.fixture(scope="session")
def rig() -> Rig:
    """A bent grid of 5 x 7 vertices; each target moves a few of them, the last none."""
    rng = np.random.default_rng(3)
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 7)))
    neutral = np.stack([x, y, 1 - x**2 - y**2], axis=1)
    corner = (np.arange(6)[:, None] * 5 + np.arange(4)).ravel()
    faces = np.concatenate([np.c_[corner, corner + 1, corner + 6], np.c_[corner, corner + 6, corner + 5]])
    deltas = rng.normal(0, 0.1, (51, 35, 3)) * (rng.random((51, 35, 1)) < 0.3)
    deltas[-1] = 0
    masks = {"lips": rng.random(35)}
    return Rig("grid", neutral, faces, rng.random((35, 3)), deltas, masks=masks, part=np.arange(35) % 3)


@pytest.fixture
def blendshapes() -> np.ndarray:
    scores = np.random.default_rng(4).random((3, 52)).astype(np.float32)
    scores[0, :4] = (0, 1, 1e-7, np.nextafter(np.float32(1), np.float32(0)))
    scores[1, 9:11] = 1  # shut eyes, to which other shapes of the eyes yield
    return scores


@pytest.fixture
def request_of(rig: Rig, blendshapes: np.ndarray) -> ExportRequest:
    """Three faces with captions that mean no good."""
    return ExportRequest(blendshapes, rig=rig, captions=HOSTILE, fps=30, seconds=1.0, size=64)
