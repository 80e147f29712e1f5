"""Heads that visitors bring along."""

from __future__ import annotations

import tempfile
from pathlib import Path

from emo3d_exp.errors import DataError, Emo3DError
from emo3d_exp.faces import load_rig
from emo3d_exp.studio.appearance import Appearance

LARGEST_UPLOAD = 64 * 2**20


def uploaded_head(name: str, content: bytes) -> Appearance:
    """A head from a visitor's .glb. Raises DataError where it is none, or too large."""
    if len(content) > LARGEST_UPLOAD:
        raise DataError(f"{name}: {len(content) >> 20} MiB; a head may have {LARGEST_UPLOAD >> 20} MiB here")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "head.glb"
        file.write_bytes(content)
        try:
            return Appearance(load_rig("gltf", file))
        except Emo3DError as error:
            raise DataError(str(error).replace(str(file), name)) from error
