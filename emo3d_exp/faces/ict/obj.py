"""Wavefront OBJ, as far as ICT-FaceKit uses it: vertices, and faces of three or more corners."""

from __future__ import annotations

import numpy as np

from emo3d_exp.errors import DataError


def parse_vertices(data: bytes, file: str) -> np.ndarray:
    """``(V, 3)`` float64 positions from the ``v`` lines.

    Args:
        data: content of the file.
        file: its name, for messages.

    Raises:
        DataError: a ``v`` line is not three finite numbers, or there is none.
    """
    lines = [line[2:] for line in data.split(b"\n") if line[:2] in (b"v ", b"v\t")]
    try:
        positions = np.loadtxt(lines, ndmin=2, comments=None) if lines else np.empty((0, 3))
    except ValueError:  # a word that is no number, or lines of different lengths
        raise _broken_vertices(data, file) from None
    if not lines or positions.shape != (len(lines), 3) or not np.isfinite(positions).all():
        raise _broken_vertices(data, file)
    return positions


def _broken_vertices(data: bytes, file: str) -> DataError:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line[:2] in (b"v ", b"v\t"):
            try:
                values = [float(word) for word in line[2:].split()]
            except ValueError:
                values = []
            if len(values) != 3 or not np.isfinite(values).all():
                return DataError(f"{file}:{number}: '{_shown(line)}' is not a vertex of three finite numbers")
    return DataError(f"{file}: no vertices; is it a Wavefront OBJ file?")


def parse_polygons(data: bytes, file: str, count: int) -> list[tuple[int, ...]]:
    """Corners of every ``f`` line, counted from 0.

    Args:
        data: content of the file.
        file: its name, for messages.
        count: number of vertices, which no corner may exceed.

    Raises:
        DataError: a face has fewer than three corners, or one that is no vertex of the file.
    """
    polygons = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line[:2] not in (b"f ", b"f\t"):
            continue
        try:
            corners = tuple(int(word.partition(b"/")[0]) - 1 for word in line[2:].split())
        except ValueError:
            corners = ()
        if len(corners) < 3 or min(corners) < 0 or max(corners) >= count:
            raise DataError(f"{file}:{number}: '{_shown(line)}' is not a face of these {count} vertices")
        polygons.append(corners)
    if not polygons:
        raise DataError(f"{file}: no faces; is it the neutral mesh of ICT-FaceKit?")
    return polygons


def triangulate(polygons: list[tuple[int, ...]], vertices: np.ndarray) -> np.ndarray:
    """``(T, 3)`` int32 triangles with the polygons' winding; quads are cut along the shorter diagonal."""
    triangles = [p for p in polygons if len(p) == 3]
    quads = np.array([p for p in polygons if len(p) == 4], np.int64).reshape(-1, 4)
    for polygon in polygons:
        if len(polygon) > 4:
            triangles += [(polygon[0], *polygon[k : k + 2]) for k in range(1, len(polygon) - 1)]
    a, b, c, d = quads.T
    straight = np.linalg.norm(vertices[a] - vertices[c], axis=1)
    other = np.linalg.norm(vertices[b] - vertices[d], axis=1)
    turned = np.where((straight <= other)[:, None], quads, np.roll(quads, -1, axis=1))
    halves = np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])
    return np.concatenate([np.array(triangles, np.int64).reshape(-1, 3), halves]).astype(np.int32)


def _shown(line: bytes) -> str:
    return line[:60].decode("ascii", "replace").strip()
