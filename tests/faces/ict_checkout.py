"""A made-up checkout with the layout of ICT-FaceKit's, small enough to convert in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emo3d_exp.faces.ict.topology import EXPRESSIONS, NEUTRAL, Topology, identity_name

STEP_X, STEP_Y = 0.75, 1.0
COLUMNS = np.arange(-12, 13) * STEP_X
ROWS = np.arange(-12, 13) * STEP_Y
EYE = (3.0, 4.0, 8.2)
EYE_RADIUS = 1.5
HOLES = {
    "mouth_socket": lambda x, y: (abs(x) <= 1.5) & (y >= -5) & (y <= -3),
    "eye_socket_left": lambda x, y: (abs(x - 3) <= 0.8) & (abs(y - 4) <= 1),
    "eye_socket_right": lambda x, y: (abs(x + 3) <= 0.8) & (abs(y - 4) <= 1),
}


class Checkout:
    """Positions, polygons and topology of the made-up model; :meth:`write` lays them out as files."""

    def __init__(self, identities: int = 2, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.groups: dict[str, range] = {}
        self._written: dict[str, bytes] = {}
        self.blocks: list[np.ndarray] = []
        self.polygons: list[tuple[int, ...]] = []
        self._add_skin()
        for name, z in (("gums_tongue", 6.5), ("teeth", 7.0)):
            self._add_patch(name, z)
        for name, sign in (("eye_left", 1), ("eye_right", -1)):
            self._add_shell(name, sign)
        self.neutral = np.concatenate(self.blocks)
        self.topology = self._topology()
        self.positions = {NEUTRAL: self.neutral}
        eyes = np.zeros((len(self.neutral), 1), bool)
        for side in ("eye_left", "eye_right"):
            eyes[self.groups[side]] = True
        for name in EXPRESSIONS:
            moved = rng.normal(0, 0.05, self.neutral.shape) * (rng.random((len(self.neutral), 1)) < 0.3)
            self.positions[name] = np.round(self.neutral + np.where(eyes, 0, moved), 6)
        for index in range(identities):
            shift = rng.normal(0, 0.1, 3) + 0.02 * (index + 1) * self.neutral
            self.positions[identity_name(index)] = np.round(self.neutral + shift, 6)

    def _append(self, name: str, points: np.ndarray) -> int:
        start = sum(len(block) for block in self.blocks)
        self.blocks.append(np.round(points, 6))
        self.groups[name] = range(start, start + len(points))
        return start

    def _add_skin(self) -> None:
        x, y = (grid.ravel() for grid in np.meshgrid(COLUMNS, ROWS))
        owner = np.full(len(x), "face", dtype="<U20")
        owner[(abs(x) > 8.5) | (abs(y) > 11.5)] = "head"
        for name, inside in HOLES.items():
            owner[inside(x, y)] = name
        z = 10 - 0.05 * x**2 - 0.02 * y**2 - 2.0 * np.isin(owner, list(HOLES))
        order = np.concatenate([np.flatnonzero(owner == name) for name in ("face", "head", *HOLES)])
        for name in ("face", "head", *HOLES):
            rows = np.flatnonzero(owner == name)
            self._append(name, np.stack([x, y, z], axis=1)[rows])
        place = np.argsort(order).reshape(len(ROWS), len(COLUMNS))
        a, b, c, d = place[:-1, :-1], place[:-1, 1:], place[1:, 1:], place[1:, :-1]
        self.polygons += list(zip(*(part.ravel().tolist() for part in (a, b, c, d)), strict=True))
        self.place = place

    def _add_patch(self, name: str, z: float) -> None:
        x, y = (grid.ravel() for grid in np.meshgrid([-1.0, 0.0, 1.0], [-4.5, -4.0, -3.5]))
        start = self._append(name, np.stack([x, y, np.full(9, z)], axis=1))
        index = start + np.arange(9).reshape(3, 3)
        corners = (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
        self.polygons += list(zip(*(part.ravel().tolist() for part in corners), strict=True))

    def _add_shell(self, name: str, sign: int, rings: int = 12, spokes: int = 16) -> None:
        polar = np.repeat(np.linspace(0, np.pi, rings + 1)[1:-1], spokes)
        around = np.tile(np.arange(spokes) / spokes * 2 * np.pi, rings - 1)
        ring = np.stack(
            [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=1
        )
        points = np.concatenate([[[0, 0, 1]], ring, [[0, 0, -1]]]) * EYE_RADIUS
        points *= 1 + 0.12 * np.exp(-((np.degrees(np.arccos(points[:, 2:] / EYE_RADIUS)) / 22) ** 4))
        start = self._append(name, points * [sign, 1, 1] + np.array(EYE) * [sign, 1, 1])
        index = start + 1 + np.arange((rings - 1) * spokes).reshape(rings - 1, spokes)
        right = np.roll(index, -1, axis=1)
        quads = (index[:-1], index[1:], right[1:], right[:-1])
        faces = list(zip(*(part.ravel().tolist() for part in quads), strict=True))
        faces += [(start, int(a), int(b)) for a, b in zip(index[0], right[0], strict=True)]
        last = start + len(points) - 1
        faces += [(last, int(b), int(a)) for a, b in zip(index[-1], right[-1], strict=True)]
        self.polygons += faces if sign > 0 else [face[::-1] for face in faces]

    def at(self, x: float, y: float) -> int:
        """Number of the skin's vertex at a grid point."""
        return int(self.place[round(y / STEP_Y) + 12, round(x / STEP_X) + 12])

    def _topology(self) -> Topology:
        upper = [(-1.5, -2), (-0.75, -2), (0, -2), (0.75, -2), (1.5, -2)]
        lower = [(1.5, -6), (0.75, -6), (0, -6), (-0.75, -6), (-1.5, -6)]
        outer = [(-2.25, -4), *upper, (2.25, -4), *lower]
        meeting = [(-1.5, -4), (0, -4), (1.5, -4)]
        inner = [(-2.25, -4), *meeting, (2.25, -4), *meeting[::-1]]
        eye = [(1.5, 4), (2.25, 6), (3.75, 6), (4.5, 4), (3.75, 2), (2.25, 2)]
        brow = [(x, 8) for x in (0.75, 1.5, 2.25, 3.0, 3.75)]
        marks = [tuple(self.at(*point) for point in points) for points in (brow, eye, outer, inner)]
        return Topology(len(self.neutral), self.groups, *marks)

    def obj(self, stem: str) -> bytes:
        """A mesh as a file, with the texture corners that the toolkit's files have."""
        if stem in self._written:
            return self._written[stem]
        lines = ["# made up", "mtllib none.mtl"]
        lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in self.positions[stem]]
        lines += ["vt 0.5 0.5", "usemtl M_Face"]
        lines += ["f " + " ".join(f"{corner + 1}/1" for corner in polygon) for polygon in self.polygons]
        self._written[stem] = "\n".join(lines).encode() + b"\n"
        return self._written[stem]

    def write(self, root: Path) -> Path:
        """Write ``root``/FaceXModel/*.obj and return ``root``."""
        folder = root / "FaceXModel"
        folder.mkdir(parents=True)
        for stem in self.positions:
            (folder / f"{stem}.obj").write_bytes(self.obj(stem))
        return root
