"""A lighter rig for drawing many faces: fewer vertices, each of them one of the full rig's."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

import numpy as np

from emo3d_exp.faces.collapse import collapse
from emo3d_exp.faces.paint import Painter
from emo3d_exp.faces.people import random_look
from emo3d_exp.faces.rig import PARTS, Rig
from emo3d_exp.faces.visibility import visibility
from emo3d_exp.runs import cache_root, write_atomically

LOD_VERSION = 2
"""Raise it when the same rig starts to give other triangles: what is cached is then made again."""

VERTICES = 2600
HIDDEN = 0.02
"""Weight of errors where no camera looks, beside 1 for what always shows."""

EYES, LIDS, LID = 40.0, 15.0, 0.008
"""Weight of errors on eyeballs, and on skin within ``LID`` head heights of them: dark on white, they make
most of the difference between two pictures."""

COLOR, MOTION, WRINKLE = 0.015, 0.3, 0.08
"""Worth of a colour from black to white, of motion, and of a full wrinkle, in head heights."""

DIMENSIONS = 12
LOOKS = 6
_SIDES = {"eye_left": "eye_right", "eye_right": "eye_left"}
_MIRRORED = np.array([PARTS.index(_SIDES.get(part, part)) for part in PARTS], np.uint8)
_log = logging.getLogger(__name__)


def light_rig(rig: Rig, vertices: int = VERTICES, folder: Path | None = None) -> Rig:
    """The rig with about so many of its vertices; itself if it has no more.

    Vertices go where position, motion, colours in several looks and wrinkles hardly change by it, and
    sooner where cameras do not see them. A rig that is its own mirror image stays one. It takes seconds the
    first time, and is then read from a file.

    Args:
        rig: the full rig.
        vertices: to keep, about; parts and borders keep their form, so more may remain.
        folder: of the cached files; None: ``rigs`` under :func:`~emo3d_exp.runs.cache_root`.
    """
    if vertices >= len(rig.neutral):
        return rig
    folder = cache_root() / "rigs" if folder is None else folder
    file = folder / f"light-{rig.fingerprint}-{vertices}-v{LOD_VERSION}.npz"
    kept = _read(file, len(rig.neutral))
    if kept is None:
        kept = keep(rig, vertices)
        with write_atomically(file) as partial:
            np.savez_compressed(partial, rows=kept[0], faces=kept[1])
    return part_of(rig, *kept)


def part_of(rig: Rig, rows: np.ndarray, faces: np.ndarray) -> Rig:
    """The rig of ``rows`` of a rig's vertices, with ``faces`` (T, 3) over them."""
    return Rig(
        rig.name,
        rig.neutral[rows],
        faces,
        rig.colors[rows],
        rig.deltas[:, rows],
        rig.missing,
        rig.part[rows],
        {name: mask[rows] for name, mask in rig.masks.items()},
    )


def keep(rig: Rig, vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the vertices that stay, ascending, and triangles ``(T, 3)`` over them, front to back."""
    points, weight, mirror = _points(rig), HIDDEN + visibility(rig) * _attention(rig), _mirror(rig)
    if mirror is None:
        faces = collapse(points, rig.faces, rig.part, weight, vertices)
    else:
        half = (rig.neutral[rig.faces, 0] >= 0).all(axis=1)
        middle = int((rig.neutral[:, 0] == 0).sum())
        weight = (weight + weight[mirror]) / 2
        left = collapse(points, rig.faces[half], rig.part, weight, (vertices + middle // 3) // 2)
        faces = np.concatenate([left, mirror[left][:, ::-1]])
    # Nearest to a camera in front first: the rasteriser spends less on what turns out to be hidden.
    faces = faces[np.argsort(-rig.neutral[faces, 2].mean(axis=1), kind="stable")]
    rows, faces = np.unique(faces, return_inverse=True)
    return rows, faces.reshape(-1, 3).astype(np.int32)


def _read(file: Path, count: int) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with np.load(file) as stored:
            rows, faces = stored["rows"], stored["faces"]
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        _log.warning("%s is damaged; the light rig is made again", file)
        return None
    if rows.max() >= count or faces.max() >= len(rows):
        _log.warning("%s is of another rig; the light rig is made again", file)
        return None
    return rows, faces


def _attention(rig: Rig) -> np.ndarray:
    """How much an error at each vertex ``(V,)`` counts if it shows."""
    from scipy.spatial import cKDTree

    eyes = np.isin(rig.part, [PARTS.index(part) for part in ("eye_left", "eye_right", "catchlight")])
    if not eyes.any():
        return np.ones(len(eyes))
    gap = cKDTree(rig.neutral[eyes]).query(rig.neutral)[0]
    return np.where(eyes, EYES, np.where(gap < LID * np.ptp(rig.neutral[:, 1]), LIDS, 1.0))


def _points(rig: Rig) -> np.ndarray:
    """Positions in head heights, then in few numbers how the vertices look and move."""
    height, rng = np.ptp(rig.neutral[:, 1]), np.random.default_rng(0)
    paint = Painter(rig)
    colors = [COLOR * paint(random_look(rng)) for _ in range(LOOKS)]
    folds = [WRINKLE * mask[:, None] for name, mask in rig.masks.items() if name.startswith("wrinkle")]
    motion = rig.deltas.transpose(1, 0, 2).reshape(len(rig.neutral), -1) * (MOTION / height)
    detail = np.concatenate([*colors, *folds, motion], axis=1).astype(np.float64)
    detail -= detail.mean(axis=0)
    axes = np.linalg.eigh(detail.T @ detail)[1][:, ::-1][:, :DIMENSIONS]
    return np.concatenate([rig.neutral / height, detail @ axes], axis=1)


def _mirror(rig: Rig) -> np.ndarray | None:
    """The vertex across the middle of each; None for a rig that is not its own mirror image."""
    from scipy.spatial import cKDTree

    here = np.c_[rig.neutral, rig.part]
    across = np.c_[rig.neutral * np.float32([-1, 1, 1]), _MIRRORED[rig.part]]
    gap, other = cKDTree(here).query(across)
    x = rig.neutral[rig.faces, 0]
    straddling = (x > 0).any(axis=1) & (x < 0).any(axis=1)
    if gap.any() or straddling.any() or (other[other] != np.arange(len(other))).any():
        return None
    return other
