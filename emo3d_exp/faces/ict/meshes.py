"""The toolkit's files as numbers, checked to be of one topology."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.faces.ict.obj import parse_polygons, parse_vertices
from emo3d_exp.faces.ict.topology import EXPRESSIONS, NEUTRAL, TOPOLOGY, Topology


@dataclass(frozen=True)
class Meshes:
    """The toolkit's files: ``polygons`` of the neutral and ``(V, 3)`` float64 ``positions`` by file stem."""

    polygons: list[tuple[int, ...]]
    positions: dict[str, np.ndarray]

    @property
    def identities(self) -> list[str]:
        """File stems of the identity shapes, in order."""
        return sorted(name for name in self.positions if name.startswith("identity"))


def parse_meshes(files: Iterable[tuple[str, bytes]], where: str, topology: Topology = TOPOLOGY) -> Meshes:
    """Read (file name, content) pairs.

    Args:
        files: the neutral, all expressions and any number of identities; in any order.
        where: checkout or archive, for messages.
        topology: what the files' vertices mean.

    Raises:
        DataError: a file is missing, broken, or of another topology; the message names file and line.
    """
    polygons: list[tuple[int, ...]] = []
    positions = {}
    for name, data in files:
        file, stem = f"{where}: {name}", name.removesuffix(".obj")
        positions[stem] = parse_vertices(data, file)
        if len(positions[stem]) != topology.count:
            raise DataError(
                f"{file} has {len(positions[stem])} vertices, but ICT-FaceKit's meshes have {topology.count}"
            )
        if stem == NEUTRAL:
            polygons = parse_polygons(data, file, topology.count)
    missing = [f"{stem}.obj" for stem in (NEUTRAL, *EXPRESSIONS) if stem not in positions]
    if missing:
        listed = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        raise DataError(f"{where}: no {listed}; get all of ICT-FaceKit's FaceXModel folder again")
    return Meshes(polygons, positions)
