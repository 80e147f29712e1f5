"""The whole built-in head: all pieces put together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emo3d_exp.faces.builtin.ears import ear
from emo3d_exp.faces.builtin.eyes import eyeball, glint
from emo3d_exp.faces.builtin.masks import skin_masks
from emo3d_exp.faces.builtin.mesh import mirrored
from emo3d_exp.faces.builtin.motion import skin_deltas
from emo3d_exp.faces.builtin.mouth import lower_teeth, mouth_bag, tongue, upper_teeth
from emo3d_exp.faces.builtin.piece import Piece
from emo3d_exp.faces.builtin.skin import build_skin
from emo3d_exp.faces.builtin.wrinkles import wrinkle_masks
from emo3d_exp.faces.paint import paint_rig
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.faces.shading import to_linear
from emo3d_exp.vocab import MIRROR_PERMUTATION

_LEAST_MOTION = 1e-4
"""Motions smaller than this in every axis are set to zero, so that targets can be stored sparsely."""


@dataclass(frozen=True)
class HeadParts:
    """A complete head; V vertices, T triangles.

    Unit: distance between the eye centres; x to the subject's left, y up, z forward, origin between
    the eyes. Triangles are counter-clockwise seen from where they are looked at.
    """

    neutral: np.ndarray
    """(V, 3) float32."""
    faces: np.ndarray
    """(T, 3) int32."""
    colors: np.ndarray
    """(V, 3) float32, linear RGB in [0, 1], of the default look."""
    deltas: np.ndarray
    """(51, V, 3) float32 in the order of ``MORPH_TARGETS``."""
    part: np.ndarray
    """(V,) uint8, index into ``PARTS``."""
    masks: dict[str, np.ndarray]
    """Each (V,) float32 in [0, 1]."""
    mirror: np.ndarray
    """(V,) int32, index of each vertex's mirror image."""


def build_head() -> HeadParts:
    """Make the head; the same input gives the same head. Takes some seconds."""
    pieces, mirror = _pieces()
    starts = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    vertices = np.concatenate([piece.vertices for piece in pieces])
    deltas = np.concatenate([piece.deltas for piece in pieces], axis=1)
    vertices, deltas = _symmetric(vertices, deltas, mirror)
    part = np.repeat([PARTS.index(piece.part) for piece in pieces], np.diff(starts))
    head = HeadParts(
        neutral=vertices.astype(np.float32),
        faces=np.concatenate(
            [piece.faces + start for piece, start in zip(pieces, starts, strict=False)]
        ).astype(np.int32),
        colors=to_linear(np.concatenate([np.broadcast_to(p.color, p.vertices.shape) for p in pieces])),
        deltas=np.where(np.abs(deltas).max(-1, keepdims=True) < _LEAST_MOTION, 0, deltas).astype(np.float32),
        part=part.astype(np.uint8),
        masks=_joined_masks(pieces),
        mirror=mirror.astype(np.int32),
    )
    return replace(head, colors=paint_rig(head).astype(np.float32))


def _pieces() -> tuple[list[Piece], np.ndarray]:
    """All pieces, and the index of every vertex's mirror image."""
    skin = build_skin()
    deltas = skin_deltas(skin)
    middle = [mouth_bag(skin, deltas), upper_teeth(), lower_teeth(), tongue()]
    pairs = [(make("left"), make("right")) for make in (eyeball, glint, ear)]
    body = Piece("skin", skin.vertices, skin.faces, deltas, skin_masks(skin) | wrinkle_masks(skin))
    mirror = [skin.mirror]
    start = len(skin.vertices)
    for piece in middle:
        mirror.append(start + _nearest_image(piece.vertices))
        start += len(piece.vertices)
    for left, _ in pairs:
        count = len(left.vertices)
        mirror += [start + count + np.arange(count), start + np.arange(count)]
        start += 2 * count
    return [body, *middle, *(piece for pair in pairs for piece in pair)], np.concatenate(mirror)


def _nearest_image(vertices: np.ndarray) -> np.ndarray:
    """Index of the vertex that lies where each vertex's mirror image is."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(vertices).query(vertices * [-1, 1, 1])
    if distance.max() > 1e-6 or (index[index] != np.arange(len(index))).any():
        raise AssertionError("a piece in the middle of the head is not symmetric")
    return index


def _symmetric(vertices: np.ndarray, deltas: np.ndarray, mirror: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Free of rounding differences between left and right."""
    swapped = deltas[MIRROR_PERMUTATION[1:] - 1]
    return (vertices + mirrored(vertices, mirror)) / 2, (deltas + mirrored(swapped, mirror)) / 2


def _joined_masks(pieces: list[Piece]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for piece in pieces for name in piece.masks)
    return {
        name: np.concatenate(
            [piece.masks.get(name, np.zeros(len(piece.vertices))) for piece in pieces]
        ).astype(np.float32)
        for name in names
    }
