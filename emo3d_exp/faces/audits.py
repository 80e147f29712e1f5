"""Checks of a head that need no tracker: lids that shut, lips that hide the mouth, mirror images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.part_view import PartView
from emo3d_exp.faces.populations import PARTNER, prior_faces, random_faces
from emo3d_exp.faces.renderer import Renderer
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, MIRROR_PERMUTATION, MORPH_TARGETS

SIDES = ("Left", "Right")
PARTS_THE_LIPS = ("jawOpen", "mouthFunnel", "mouthShrugUpper", "mouthLowerDownLeft", "mouthLowerDownRight",
                  "mouthUpperUpLeft", "mouthUpperUpRight")  # fmt: skip
"""Shapes that may show teeth; all others leave closed lips closed."""


@dataclass(frozen=True)
class Audit:
    """What was measured on N faces.

    Attributes:
        name: what the numbers are, with their unit.
        limit: the largest value that is fine.
        values: ``(N,)``.
        faces: ``(N, 52)``.
        looks: N.
    """

    name: str
    limit: float
    values: np.ndarray
    faces: np.ndarray
    looks: list[Look]

    @property
    def failing(self) -> float:
        """Share of the faces above the limit."""
        return float((self.values > self.limit).mean())

    def worst(self, count: int) -> list[int]:
        """Rows of the ``count`` highest values, highest first."""
        return np.argsort(-self.values, kind="stable")[:count].tolist()


def active(face: np.ndarray) -> str:
    """``"jawOpen .70 eyeBlinkLeft 1.00"``: the shapes of ``(52,)`` that are not 0."""
    return " ".join(f"{BLENDSHAPES[i]} {face[i]:.2f}" for i in np.flatnonzero(face))


def audit_shut_eyes(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Share of an eye that shows though it blinks with 1, beside 2–6 other shapes.

    One face per look; two in three blink with both eyes. The eye's full size is that of the same person at
    rest. Where one blink is random, the worse of the shut eyes counts.
    """
    faces, values = random_faces(len(looks), rng), np.zeros(len(looks))
    for row, (face, look) in enumerate(zip(faces, looks, strict=True)):
        shut = [(0, 1), (0, 1), (0,), (1,)][rng.integers(4)]
        for side in shut:
            face[BLENDSHAPE_INDEX[f"eyeBlink{SIDES[side]}"]] = 1
        open_eyes, eyes = view(np.zeros(len(BLENDSHAPES)), look).eye, view(face, look).eye
        values[row] = max((eyes == side).sum() / max((open_eyes == side).sum(), 1) for side in shut)
    return Audit("part of the eye that shows at blink 1", 0.01, values, faces, looks)


def audit_half_shut_eyes(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of the eyeballs before the skin of the lids, while both eyes blink by .25, .5 or .75 (or not
    at all) and look anywhere."""
    faces, values = np.zeros((len(looks), len(BLENDSHAPES)), np.float32), np.zeros(len(looks))
    for row, (face, look) in enumerate(zip(faces, looks, strict=True)):
        across, height = rng.uniform(-1, 1, 2)
        lids, extra = rng.choice([0, 0.25, 0.5, 0.75]), rng.choice(["", "eyeWide", "eyeSquint"])
        weights = {"eyeBlink": lids, "eyeLookUp": max(height, 0), "eyeLookDown": max(-height, 0)}
        if extra:
            weights[extra] = rng.uniform(0.3, 1)
        for side, sign in (("Left", 1), ("Right", -1)):
            gaze = {"eyeLookOut": max(sign * across, 0), "eyeLookIn": max(-sign * across, 0)}
            for stem, weight in (weights | gaze).items():
                face[BLENDSHAPE_INDEX[stem + side]] = weight
        parts = view(face, look)
        values[row] = (parts.pierces & (parts.eye >= 0)).sum()
    return Audit("pixels of the eyeball before the lids", 8, values, faces, looks)


def audit_mouth(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of teeth, tongue or the inside of the mouth where random faces have lips or skin."""
    faces = random_faces(len(looks), rng)
    drawn = (view(face, look) for face, look in zip(faces, looks, strict=True))
    values = [(parts.mouth & parts.pierces).sum() for parts in drawn]
    return Audit("pixels of the mouth outside the lips", 8, np.array(values, float), faces, looks)


def audit_closed_lips(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of the inside of the mouth where no shape that parts the lips is active."""
    faces, values = random_faces(len(looks), rng), np.zeros(len(looks))
    for row, (face, look) in enumerate(zip(faces, looks, strict=True)):
        for shape in PARTS_THE_LIPS:
            face[BLENDSHAPE_INDEX[shape]] = 0
        face[BLENDSHAPE_INDEX["jawOpen"]] = face[BLENDSHAPE_INDEX["mouthClose"]]
        values[row] = view(face, look).mouth.sum()
    return Audit("pixels of the mouth between closed lips", 8, values, faces, looks)


def audit_single(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of the inside of the mouth, of what sticks out, or of torn skin, for every shape alone.

    Each of the 51, and then each pair of sides together, with weight 1 on the first look; shapes that part
    the lips may show the mouth.
    """
    pairs = [(name, PARTNER[name]) for name in PARTNER if name.endswith("Left")]
    chosen = [(name,) for name in MORPH_TARGETS] + pairs
    faces, values = np.zeros((len(chosen), len(BLENDSHAPES)), np.float32), np.zeros(len(chosen))
    for row, names in enumerate(chosen):
        faces[row, [BLENDSHAPE_INDEX[name] for name in names]] = 1
        parts = view(faces[row], looks[0])
        seen = parts.pierces if set(names) & set(PARTS_THE_LIPS) else parts.mouth | parts.pierces
        values[row] = (seen | parts.torn).sum()
    return Audit("pixels that a shape alone should not show", 8, values, faces, looks[:1] * len(chosen))


def audit_prior(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of what sticks out through skin or lips, or of torn skin, on faces of the FACS prior."""
    faces, _ = prior_faces(len(looks), rng)
    drawn = (view(face, look) for face, look in zip(faces, looks, strict=True))
    values = [(parts.pierces | parts.torn).sum() for parts in drawn]
    return Audit("pixels that the prior's faces should not show", 8, np.array(values, float), faces, looks)


def audit_torn(view: PartView, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Pixels of random faces where skin is seen from its inner side."""
    faces = random_faces(len(looks), rng)
    values = [int(view(face, look).torn.sum()) for face, look in zip(faces, looks, strict=True)]
    return Audit("pixels of skin seen from inside", 8, np.array(values, float), faces, looks)


def audit_mirror(renderer: Renderer, looks: list[Look], rng: np.random.Generator) -> Audit:
    """Share of pixels in which a face and the mirror image of the mirrored face differ by more than 1 level.

    A few of them do, on edges, where a sample lies on the border of two triangles (levels are 0–255).
    Without hair, for its parting has a side.
    """
    looks = [replace(look, hair_style="bald") for look in looks]
    faces = random_faces(len(looks), rng)
    pairs = mirrored_pairs(renderer, faces, looks)
    values = np.array([(np.abs(a.astype(int) - b).max(axis=-1) > 1).mean() for a, b in pairs])
    return Audit("part of the picture that differs from the mirror image", 0.001, values, faces, looks)


def mirrored_pairs(
    renderer: Renderer, faces: np.ndarray, looks: list[Look]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each face, and the mirror image of the mirrored face: ``(H, W, 3)`` uint8 that should be equal."""
    for face, look in zip(faces, looks, strict=True):
        x, y, z = look.light.direction
        other = replace(look, yaw=-look.yaw, roll=-look.roll, light=replace(look.light, direction=(-x, y, z)))
        own = renderer.render(face, look)[0]
        yield own, renderer.render(face[list(MIRROR_PERMUTATION)], other)[0][:, ::-1]
