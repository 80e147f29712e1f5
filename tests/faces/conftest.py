"""A small rig for tests that need no real face, and the shipped one."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.faces import Rig, load_rig


def ball_rig(rings: int = 12, columns: int = 16, seed: int = 0) -> Rig:
    """A sphere whose 51 targets push random vertices outwards; no masks, as in a foreign file."""
    rng = np.random.default_rng(seed)
    polar = np.repeat(np.linspace(0.15, np.pi - 0.15, rings), columns)
    around = np.tile(np.arange(columns) / columns * 2 * np.pi, rings)
    vertices = np.stack(
        [np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=1
    ).astype(np.float32)
    index = np.arange(rings * columns).reshape(rings, columns)
    right = np.roll(index, -1, axis=1)
    quads = [index[:-1], index[1:], right[1:], right[:-1]]
    a, b, c, d = (part.ravel() for part in quads)
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    chosen = rng.random((51, len(vertices), 1)) < 0.2
    deltas = (chosen * rng.uniform(-0.2, 0.2, (51, len(vertices), 1)) * vertices).astype(np.float32)
    colors = rng.uniform(0.2, 0.8, (len(vertices), 3)).astype(np.float32)
    return Rig("ball", vertices, faces, colors, deltas)


@pytest.fixture
def ball() -> Rig:
    return ball_rig()


@pytest.fixture(scope="session")
def builtin() -> Rig:
    return load_rig("builtin")


@pytest.fixture
def remade():
    """``remade(rig, **changes)``: a copy of the rig with other arrays."""

    def remake(rig: Rig, **changes: object) -> Rig:
        keys = ("name", "neutral", "faces", "colors", "deltas", "missing", "part", "masks")
        return Rig(**({key: getattr(rig, key) for key in keys} | changes))

    return remake
