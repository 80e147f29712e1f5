"""Fewer triangles over the same vertices: half-edge collapse by generalised quadrics.

Garland and Heckbert, "Simplifying surfaces with color and texture using quadric error metrics", 1998: a
vertex is a point in space and detail together, and moving it costs its squared distances to the planes
of the triangles that it stood for. A vertex only ever moves onto a neighbour, so nothing is interpolated.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

BORDER_WEIGHT = 20.0
FLATTEST = 0.2
"""A triangle may turn by at most ``arccos(FLATTEST)`` in one collapse."""

SLIVER = 0.04
"""Least height over longest side that a collapse may leave, unless it was worse before."""


def collapse(
    points: np.ndarray, faces: np.ndarray, group: np.ndarray, weight: np.ndarray, count: int
) -> np.ndarray:
    """Triangles over about ``count`` of the vertices.

    Args:
        points: ``(V, 3 + K)`` positions, then detail in the same unit.
        faces: ``(T, 3)``.
        group: ``(V,)``; a vertex moves only onto one of its own group, and not off the seam between two.
        weight: ``(V,)`` how much errors matter there, above 0.
        count: vertices to stop at; fewer collapses are made where no more can be done without folding
            the surface or changing its topology.

    Returns:
        ``(T', 3)`` int32, in the order of the triangles that they come from.
    """
    mesh = _Mesh(np.asarray(points, np.float64), np.asarray(faces), np.asarray(group), np.asarray(weight))
    left = sum(bool(around) for around in mesh.around)
    heap = [entry for v in range(len(points)) for entry in mesh.moves(v, mesh.neighbours(v))]
    heapify(heap)
    while heap and left > count:
        _, v, version, u = heappop(heap)
        if version == mesh.version[v] and mesh.allows(v, u):
            fresh = mesh.merge(v, u)
            left -= 1
            for entry in mesh.moves(u, mesh.neighbours(u)):
                heappush(heap, entry)
            for w in fresh:
                for entry in mesh.moves(w, [u]):
                    heappush(heap, entry)
    return np.array([mesh.faces[t] for t in sorted(set().union(*mesh.around))], np.int32).reshape(-1, 3)


class _Mesh:
    """Triangles round each vertex, and what its moves cost."""

    def __init__(self, points: np.ndarray, faces: np.ndarray, group: np.ndarray, weight: np.ndarray) -> None:
        self.points, self.faces = points, faces.tolist()
        self.group = group.tolist()
        self.around: list[set[int]] = [set() for _ in points]
        for number, triangle in enumerate(self.faces):
            for v in triangle:
                self.around[v].add(number)
        self.version = [0] * len(points)
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        edges, uses = np.unique(edges, axis=0, return_counts=True)
        self.rim = _among(len(points), edges[uses != 2]).tolist()
        foreign = group[edges[:, 0]] != group[edges[:, 1]]
        self.fixed = (_among(len(points), edges[foreign | (uses > 2)]) | _doubled(points, faces)).tolist()
        self.quadrics = _quadrics(points, faces, weight)
        _add_borders(self.quadrics, points, faces, edges[uses == 1], weight)

    def neighbours(self, v: int) -> list[int]:
        return sorted({w for t in self.around[v] for w in self.faces[t]} - {v})

    def moves(self, v: int, near: list[int]) -> list[tuple[float, int, int, int]]:
        """Heap entries ``(cost, v, version, u)`` for moving ``v`` onto each of the vertices ``near`` it."""
        if self.fixed[v]:
            return []
        near = [u for u in near if self.group[u] == self.group[v]]
        if self.rim[v]:
            near = [u for u in near if self.rim[u] and len(self.around[v] & self.around[u]) == 1]
        if not near:
            return []
        matrix, vector, constant = (part[v] for part in self.quadrics)
        x = self.points[near]
        costs = np.einsum("ij,ij->i", x @ matrix + 2 * vector, x) + constant
        return [(cost, v, self.version[v], u) for cost, u in zip(costs.tolist(), near, strict=True)]

    def allows(self, v: int, u: int) -> bool:
        """Whether moving ``v`` onto ``u`` keeps the topology, turns no triangle over and leaves no sliver."""
        shared = self.around[v] & self.around[u]
        kept = [self.faces[t] for t in self.around[v] - shared]
        if not shared or not kept:
            return False
        if len(set(self.neighbours(v)) & set(self.neighbours(u))) != len(shared):
            return False
        moved = [[u if w == v else w for w in triangle] for triangle in kept]
        normals, heights = _normals(self.points, np.array(kept + moved))
        cosines = np.einsum("ij,ij->i", normals[: len(kept)], normals[len(kept) :])
        allowed = np.minimum(SLIVER, heights[: len(kept)])
        return bool((cosines >= FLATTEST).all() and (heights[len(kept) :] >= allowed).all())

    def merge(self, v: int, u: int) -> set[int]:
        """Move ``v`` onto ``u``; the vertices that thereby became neighbours of ``u``."""
        fresh = set(self.neighbours(v)) - set(self.neighbours(u)) - {u}
        for number in self.around[v] & self.around[u]:
            for w in self.faces[number]:
                self.around[w].discard(number)
        for number in self.around[v]:
            self.faces[number] = [u if w == v else w for w in self.faces[number]]
        self.around[u] |= self.around[v]
        self.around[v] = set()
        self.version[v] += 1
        self.version[u] += 1
        for part in self.quadrics:
            part[u] += part[v]
        return fresh


def _among(count: int, edges: np.ndarray) -> np.ndarray:
    """Which of the vertices an edge ends at."""
    found = np.zeros(count, bool)
    found[edges] = True
    return found


def _doubled(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which vertices share their place with another that is used; moving one alone would open a seam."""
    used = np.unique(faces)
    _, where, times = np.unique(points[used, :3], axis=0, return_inverse=True, return_counts=True)
    found = np.zeros(len(points), bool)
    found[used] = times[where.reshape(-1)] > 1
    return found


def _normals(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals and height over longest side."""
    a, b, c = (points[faces[:, k], :3] for k in range(3))
    u, v, w = b - a, c - a, c - b
    cross = np.stack(
        [u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1], u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2],
         u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]], axis=1
    )  # fmt: skip
    area = np.sqrt((cross * cross).sum(axis=1))
    longest = np.maximum.reduce([(side * side).sum(axis=1) for side in (u, v, w)])
    return cross / np.maximum(area, 1e-30)[:, None], area / np.maximum(longest, 1e-30)


def _quadrics(points: np.ndarray, faces: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    """Per vertex ``A, b, c`` of the squared distances ``xAx + 2bx + c`` to the planes of its triangles."""
    p, q, r = (points[faces[:, k]] for k in range(3))
    first = _unit(q - p)
    second = r - p
    second = _unit(second - (second * first).sum(axis=1, keepdims=True) * first)
    area = np.linalg.norm(np.cross(q[:, :3] - p[:, :3], r[:, :3] - p[:, :3]), axis=1) / 2
    share = area * weight[faces].mean(axis=1) / 3
    matrix = (
        np.eye(points.shape[1]) - first[:, :, None] * first[:, None] - second[:, :, None] * second[:, None]
    )
    return _gather(len(points), faces, matrix, p, share)


def _gather(
    count: int, rows: np.ndarray, matrix: np.ndarray, at: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, ...]:
    matrix = matrix * share[:, None, None]
    vector = -np.einsum("tij,tj->ti", matrix, at)
    constant = -np.einsum("ti,ti->t", vector, at)
    sums = []
    for part in (matrix, vector, constant):
        total = np.zeros((count, *part.shape[1:]))
        for k in range(rows.shape[1]):
            np.add.at(total, rows[:, k], part)
        sums.append(total)
    return tuple(sums)


def _add_borders(
    quadrics: tuple[np.ndarray, ...],
    points: np.ndarray,
    faces: np.ndarray,
    edges: np.ndarray,
    weight: np.ndarray,
) -> None:
    """Planes through the border's edges and across their triangles, so that borders keep their form."""
    if not len(edges):
        return
    along = _unit(points[edges[:, 1]] - points[edges[:, 0]])
    length = np.linalg.norm(points[edges[:, 1], :3] - points[edges[:, 0], :3], axis=1)
    matrix = np.eye(points.shape[1]) - along[:, :, None] * along[:, None]
    share = BORDER_WEIGHT * length**2 * weight[edges].mean(axis=1) / 2
    for total, part in zip(
        quadrics, _gather(len(points), edges, matrix, points[edges[:, 0]], share), strict=True
    ):
        total += part


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
