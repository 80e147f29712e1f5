"""How ICT-FaceKit numbers its vertices and names its shapes (its README, "Face Model Topology")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emo3d_exp.vocab import MORPH_TARGETS

NEUTRAL = "generic_neutral_mesh"
FOLDER = "FaceXModel"
IDENTITIES = 100
"""Identity shapes of the public model, ``identity000`` to ``identity099``; a checkout may hold fewer."""

UNUSED_SHAPES = ("cheekRaiser_L", "cheekRaiser_R", "PupilDilate_L", "PupilDilate_R")
"""Shapes of the toolkit that ARKit's list has no counterpart for."""

BOTH_SIDES = ("browInnerUp", "cheekPuff")
WITHOUT_SIDES = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")


def source_shapes(target: str) -> tuple[str, ...]:
    """Names of the toolkit's shapes whose sum is the morph target ``target``."""
    if target in BOTH_SIDES:
        return f"{target}_L", f"{target}_R"
    if target in WITHOUT_SIDES:
        return (target,)
    for side in ("Left", "Right"):
        if target.endswith(side):
            return (f"{target.removesuffix(side)}_{side[0]}",)
    return (target,)


EXPRESSIONS: tuple[str, ...] = tuple(name for target in MORPH_TARGETS for name in source_shapes(target))


def identity_name(index: int) -> str:
    """File stem of an identity shape."""
    return f"identity{index:03d}"


@dataclass(frozen=True)
class Topology:
    """Where things are in the toolkit's meshes.

    Attributes:
        count: vertices of every mesh.
        groups: name → half-open range of vertices.
        brow, eye, outer_lips: vertices of Multi-PIE landmarks: left brow (23-27) from the inner end, left
            eye (43-48) from its inner corner over the upper lid round, lips' outline (49-60) from the
            subject's right corner over the upper lip round.
        inner_lips: likewise, where the lips meet (61-68).
    """

    count: int
    groups: Mapping[str, range]
    brow: tuple[int, ...]
    eye: tuple[int, ...]
    outer_lips: tuple[int, ...]
    inner_lips: tuple[int, ...]


TOPOLOGY = Topology(
    count=26719,
    groups=MappingProxyType(
        {
            "face": range(0, 9409),
            "head": range(9409, 11248),
            "mouth_socket": range(11248, 13294),
            "eye_socket_left": range(13294, 13678),
            "eye_socket_right": range(13678, 14062),
            "gums_tongue": range(14062, 17039),
            "teeth": range(17039, 21451),
            "eye_left": range(21451, 22221),
            "eye_right": range(23021, 23791),
        }
    ),
    brow=(3615, 4240, 4114, 2734, 2509),
    eye=(3742, 3751, 3756, 3721, 3725, 3732),
    outer_lips=(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),
    inner_lips=(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
)
"""Groups that we use; ``eye_*`` are the scleras, whose shells hide the irises inside them.

Left out: irises, lacrimal fluid, eye blend and occlusion meshes (made for translucent shaders) and the
lashes (cards that need an alpha texture).
"""
