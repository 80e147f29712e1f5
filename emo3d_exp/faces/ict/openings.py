"""Rings of vertices round the openings of the skin: eyes and mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from emo3d_exp.faces.ict.topology import Topology

Polygons = list[tuple[int, ...]]


@dataclass(frozen=True)
class Openings:
    """Steps along edges from where the face turns into the inside of each opening; all (V,), inf elsewhere.

    The toolkit's face is laid out in such rings: 2 to 5 are the margins of the lids, 8 is where the lips
    meet, 12 to 15 their outline.
    """

    mouth: np.ndarray
    eye_left: np.ndarray
    eye_right: np.ndarray

    @property
    def eyes(self) -> np.ndarray:
        """Steps from the nearer eye."""
        return np.minimum(self.eye_left, self.eye_right)


def find_openings(polygons: Polygons, topology: Topology) -> Openings:
    """Walk the edges of ``polygons`` outwards from the borders between the face and what lies inside it."""
    edges = np.array([(p[k - 1], p[k]) for p in polygons for k in range(len(p))])
    count = topology.count
    graph = csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))

    def rings(inside: str) -> np.ndarray:
        seeds = _border(polygons, topology, inside)
        if not len(seeds):
            return np.full(count, np.inf)
        return dijkstra(graph, directed=False, indices=seeds, unweighted=True, min_only=True)

    return Openings(rings("mouth_socket"), rings("eye_socket_left"), rings("eye_socket_right"))


def _border(polygons: Polygons, topology: Topology, inside: str) -> np.ndarray:
    """Vertices of the face that share a polygon with the group ``inside``."""
    face, other = topology.groups["face"], topology.groups[inside]
    shared = [p for p in polygons if any(v in other for v in p)]
    return np.unique([v for p in shared for v in p if v in face]).astype(int)
