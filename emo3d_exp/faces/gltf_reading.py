"""Anybody's face from a glTF file."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.faces.gltf_container import open_container
from emo3d_exp.faces.primitives import Piece, read_pieces
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.target_names import match_targets
from emo3d_exp.vocab import MORPH_TARGETS

_log = logging.getLogger(__name__)


def read_gltf(path: str | Path, name: str | None = None) -> Rig:
    """Read a face from a .glb or .gltf file, whoever made it.

    All triangle meshes of the scene become one. Node transforms and skins are applied as the file's
    nodes stand (the bind pose; animations are not played), morph targets at weight 0 whatever weights the
    file opens with. Colours are vertex colours x material x texture, sampled at the vertices. Triangles
    that are mostly transparent are left out. Eyeballs are recognised by names such as ``EyeLeft``.
    Quantised, sparse and meshopt-packed data are resolved. Morph targets are found by name (see
    ``target_names.match_target``); what is not there is warned of, listed in ``Rig.missing``, and stays
    still. Buffers and images are read from the file's own folder only.

    Args:
        path: the file.
        name: of the rig; the file's stem without.

    Raises:
        DataError: no such file, not glTF, compressed with Draco, damaged, too large for a face, or
            without any of the 51 targets.
        ConfigError: the file is packed with meshopt and the package meshoptimizer is not installed.
    """
    path = Path(path)
    pieces = list(read_pieces(open_container(path)))
    if not pieces:
        raise DataError(f"{path} holds no triangle mesh that can be seen")
    offsets = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    deltas, missing = _gather_targets(pieces, offsets, path)
    return Rig(
        name=name or path.stem,
        neutral=np.concatenate([piece.vertices for piece in pieces]),
        faces=np.concatenate([piece.faces + start for piece, start in zip(pieces, offsets, strict=False)]),
        colors=np.concatenate([piece.colors for piece in pieces]),
        deltas=deltas,
        missing=missing,
        part=np.concatenate([piece.part for piece in pieces]),
        masks=_gather_masks(pieces),
    )


def _gather_targets(
    pieces: list[Piece], offsets: np.ndarray, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    deltas = np.zeros((len(MORPH_TARGETS), int(offsets[-1]), 3), np.float32)
    found: set[str] = set()
    for piece, start in zip(pieces, offsets, strict=False):
        rows = slice(start, start + len(piece.vertices))
        for name, positions in match_targets(piece.target_names).items():
            for position in positions:
                deltas[MORPH_TARGETS.index(name), rows] += piece.target(position)
            found.add(name)
    if not found:
        seen = sorted({name[:40] for piece in pieces for name in piece.target_names})[:12]
        raise DataError(f"{path} has none of the 51 morph targets (its targets: {seen or 'none'})")
    missing = tuple(name for name in MORPH_TARGETS if name not in found)
    if missing:
        _log.warning(
            "%s lacks %d of 51 targets, which stay still: %s", path, len(missing), ", ".join(missing)
        )
    return deltas, missing


def _gather_masks(pieces: list[Piece]) -> dict[str, np.ndarray]:
    names = sorted({name for piece in pieces for name in piece.masks})
    still = [np.zeros(len(piece.vertices), np.float32) for piece in pieces]
    return {
        name: np.concatenate([piece.masks.get(name, zero) for piece, zero in zip(pieces, still, strict=True)])
        for name in names
    }
