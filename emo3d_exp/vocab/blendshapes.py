"""The 52 blendshapes of the task, in MediaPipe's order.

Index 0 is ``_neutral``, which MediaPipe keeps near 0 and no face rig can show; the 51 that follow
carry the names of Apple's ARKit (``ARFaceAnchor.BlendShapeLocation``) in alphabetical order. ARKit's
``tongueOut`` is not among them. Left and right are the subject's own.
"""

from __future__ import annotations

import hashlib

import numpy as np

BLENDSHAPES: tuple[str, ...] = (
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)
"""All 52 names; a blendshape vector is a float array of shape (52,) with values in [0, 1]."""

MORPH_TARGETS: tuple[str, ...] = BLENDSHAPES[1:]
"""The 51 names that a rig has geometry for: all but ``_neutral``."""

BLENDSHAPE_INDEX: dict[str, int] = {name: index for index, name in enumerate(BLENDSHAPES)}

MEDIAPIPE_NAMES: tuple[str, ...] = BLENDSHAPES
"""Category names of MediaPipe's FaceLandmarker, in its order."""

ARKIT_NAMES: tuple[str, ...] = (*MORPH_TARGETS, "tongueOut")
"""The 52 blend shape locations of ARKit: the 51 here and ``tongueOut``."""

LIVE_LINK_NAMES: tuple[str, ...] = tuple(name[0].upper() + name[1:] for name in MORPH_TARGETS)
"""Column names of Unreal's Live Link Face for the 51 morph targets."""

REGIONS: dict[str, tuple[int, ...]] = {
    region: tuple(i for i, name in enumerate(BLENDSHAPES) if name.startswith(region))
    for region in ("brow", "cheek", "eye", "jaw", "mouth", "nose")
}
"""Indices into :data:`BLENDSHAPES` by part of the face; together they hold 1 … 51."""


def _mirror_name(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


MIRROR_PERMUTATION: np.ndarray = np.array(
    [BLENDSHAPE_INDEX[_mirror_name(name)] for name in BLENDSHAPES], dtype=np.int64
)
"""``scores[..., MIRROR_PERMUTATION]`` is the face in a mirror: 40 entries swap, 12 stay."""

VOCABULARY_HASH: str = hashlib.sha256("\n".join(BLENDSHAPES).encode()).hexdigest()[:16]
"""Stands in every run and prediction file, so that a different order of names cannot pass unseen."""
