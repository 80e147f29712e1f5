"""A face that moves: vertices and 51 linear blendshapes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import BLENDSHAPES, MORPH_TARGETS

PARTS: tuple[str, ...] = (
    "skin",
    "mouth_bag",
    "teeth",
    "tongue",
    "eye_left",
    "eye_right",
    "catchlight",
    "ear",
)
"""What a vertex belongs to; ``Rig.part`` holds indices into this tuple."""

BUILTIN_ASSET = "assets/builtin_head.glb"


class Rig:
    """Linear blendshape rig: ``posed = vertices + sum_k weight_k * deltas_k``.

    Not a dataclass, because Hydra's ``instantiate`` would turn one into a config on its way to the
    renderer.

    Attributes:
        name: where it came from, for messages and reports.
        vertices: ``(V, 3)`` float32, y up, +z out of the face, +x the subject's left; any unit.
        faces: ``(T, 3)`` int32, counter-clockwise seen from outside.
        colors: ``(V, 3)`` float32, linear RGB in [0, 1].
        deltas: ``(51, V, 3)`` float32 in the order of :data:`~emo3d_exp.vocab.MORPH_TARGETS`.
        missing: names of the 51 without geometry; their weights move nothing.
        part: ``(V,)`` uint8 into :data:`PARTS`; all 0 where the file does not say.
        masks: named ``(V,)`` float32 arrays in [0, 1] that looks and wrinkles paint with; empty for
            rigs that were not made here.

    Raises:
        DataError: arrays disagree in shape, hold non-finite numbers or point outside the mesh.
    """

    def __init__(
        self,
        name: str,
        vertices: np.ndarray,
        faces: np.ndarray,
        colors: np.ndarray,
        deltas: np.ndarray,
        missing: Sequence[str] = (),
        part: np.ndarray | None = None,
        masks: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.name = name
        self.vertices = np.ascontiguousarray(vertices, np.float32)
        self.faces = np.ascontiguousarray(faces, np.int32)
        self.colors = np.ascontiguousarray(colors, np.float32)
        self.deltas = np.ascontiguousarray(deltas, np.float32)
        self.missing = tuple(missing)
        self.part = np.zeros(len(vertices), np.uint8) if part is None else np.asarray(part, np.uint8)
        self.masks = {key: np.asarray(mask, np.float32) for key, mask in (masks or {}).items()}
        _check(self)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of everything that shows: geometry, colours, motion, masks."""
        digest = hashlib.sha256("\n".join(BLENDSHAPES).encode())
        for array in (self.vertices, self.faces, self.colors, self.deltas, self.part):
            digest.update(np.ascontiguousarray(array).tobytes())
        for mask in sorted(self.masks):
            digest.update(mask.encode())
            digest.update(np.ascontiguousarray(self.masks[mask]).tobytes())
        return digest.hexdigest()[:16]

    def pose(self, blendshapes: np.ndarray) -> np.ndarray:
        """Vertices of posed faces.

        Args:
            blendshapes: ``(B, 52)`` weights; ``_neutral`` is ignored. Values outside [0, 1] extrapolate.

        Returns:
            ``(B, V, 3)`` float32.
        """
        weights = np.asarray(blendshapes, np.float32)
        if weights.ndim != 2 or weights.shape[1] != len(BLENDSHAPES):
            raise ValueError(f"expected (B, {len(BLENDSHAPES)}) blendshapes, got {weights.shape}")
        motion = weights[:, 1:] @ self.deltas.reshape(len(MORPH_TARGETS), -1)
        return self.vertices + motion.reshape(len(weights), *self.vertices.shape)


def load_rig(name: str = "builtin", path: str | Path | None = None) -> Rig:
    """A rig by name: ``builtin`` (shipped), or ``gltf`` with the path of a .glb or .gltf file."""
    from emo3d_exp.faces.gltf import read_gltf

    if name == "gltf":
        if path is None:
            raise ConfigError("rig=gltf needs rig.path, the .glb or .gltf file to show")
        return read_gltf(path)
    if name != "builtin":
        raise ConfigError(f"unknown rig '{name}': choose builtin or gltf")
    if path is not None:
        raise ConfigError(f"rig=builtin takes no path, got '{path}'; use rig=gltf rig.path={path}")
    with as_file(files("emo3d_exp").joinpath(BUILTIN_ASSET)) as asset:
        return read_gltf(asset, name="builtin")


def _check(rig: Rig) -> None:
    count = len(rig.vertices)
    shapes = {
        "vertices": (count, 3),
        "faces": (len(rig.faces), 3),
        "colors": (count, 3),
        "deltas": (len(MORPH_TARGETS), count, 3),
        "part": (count,),
    }
    for key, shape in shapes.items():
        array = getattr(rig, key)
        if array.shape != shape:
            raise DataError(f"rig '{rig.name}': {key} has shape {array.shape}, expected {shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"rig '{rig.name}': {key} holds numbers that are not finite")
    if count == 0 or len(rig.faces) == 0:
        raise DataError(f"rig '{rig.name}' has no triangles")
    if rig.faces.min() < 0 or rig.faces.max() >= count:
        raise DataError(f"rig '{rig.name}': a triangle points outside the {count} vertices")
    if rig.part.max() >= len(PARTS):
        raise DataError(f"rig '{rig.name}': part {rig.part.max()} is not one of the {len(PARTS)} parts")
    for mask, values in rig.masks.items():
        if values.shape != (count,) or not np.isfinite(values).all():
            raise DataError(f"rig '{rig.name}': mask '{mask}' must be {count} finite numbers")
    if unknown := set(rig.missing) - set(MORPH_TARGETS):
        raise DataError(f"rig '{rig.name}': missing names outside the vocabulary: {sorted(unknown)}")
