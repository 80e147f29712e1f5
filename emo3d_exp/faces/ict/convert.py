"""From the toolkit's meshes to the arrays of a rig."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.ict.eyeballs import Sclera, ball_center, gaze_deltas, glint
from emo3d_exp.faces.ict.masks import eye_masks, skin_masks
from emo3d_exp.faces.ict.meshes import Meshes
from emo3d_exp.faces.ict.mouth import mouth_parts
from emo3d_exp.faces.ict.obj import triangulate
from emo3d_exp.faces.ict.occlusion import ambient_occlusion
from emo3d_exp.faces.ict.openings import Openings, find_openings
from emo3d_exp.faces.ict.seams import sealed_lips, shut_lids
from emo3d_exp.faces.ict.topology import NEUTRAL, TOPOLOGY, Topology, source_shapes
from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.vocab import MORPH_TARGETS

SIDES = {"left": 1, "right": -1}
DRAWN = ("face", "head", "mouth_socket", "gums_tongue", "teeth")
"""Eye sockets, behind the eyeballs, never show."""

HOLLOW_RADIUS, HOLLOW = 0.22, (0.08, 0.55)
"""How far a point's surroundings darken it, and the shares of them between which that goes from 0 to 1."""

ROLL = 0.6
"""Share of the way that rolled lips go inward; all of it is behind the teeth, once the lips are parted."""

STILL = 2e-4
"""Motion at weight 1, in distances of the eye centres, below which it is noise of the toolkit's files."""


def convert(meshes: Meshes, topology: Topology = TOPOLOGY) -> dict[str, np.ndarray]:
    """Arrays of the rig: neutral, faces, colors, deltas, part, identities (K, V, 3) and masks as ``mask_*``.

    Unit: distance of the neutral's eye centres; origin between them.
    """
    shells = [np.array(topology.groups[f"eye_{side}"]) for side in SIDES]
    left, right = (ball_center(meshes.positions[NEUTRAL][shell]) for shell in shells)
    middle, unit = (left + right) / 2, float(np.linalg.norm(left - right))
    positions = {name: (points - middle) / unit for name, points in meshes.positions.items()}
    neutral = positions[NEUTRAL]
    openings = find_openings(meshes.polygons, topology)
    triangles = triangulate(meshes.polygons, neutral)
    used, faces = _drawn(triangles, topology)
    hollow = _hollow(neutral, triangles, topology)
    masks = {k: v[used] for k, v in skin_masks(neutral, hollow, openings, topology).items()}
    part, colors, mouth = mouth_parts(positions, used, topology)
    masks |= mouth
    shapes = [positions[name] for name in meshes.identities]
    deltas, identities = _deltas(positions, openings, topology)[:, used], _stack(shapes, neutral, used)
    rest = (neutral + sealed_lips(neutral, openings, topology))[used]
    body = _Arrays(rest, faces, deltas, identities, part, colors, masks)
    for (side, sign), shell in zip(SIDES.items(), shells, strict=True):
        others = [shape[shell] for shape in shapes]
        body.add_eye(side, sign, neutral[shell], others, _inside(triangles, shell))
    return body.result()


def _drawn(triangles: np.ndarray, topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (U,) of the drawn groups that triangles use, and those triangles in the new numbering."""
    drawn = np.zeros(topology.count, bool)
    for group in DRAWN:
        drawn[topology.groups[group]] = True
    kept = triangles[drawn[triangles].all(axis=1)]
    used, faces = np.unique(kept, return_inverse=True)
    return used, faces.reshape(-1, 3)


def _inside(triangles: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Triangles of a contiguous group, counted from its first vertex."""
    inside = (triangles >= members[0]) & (triangles <= members[-1])
    return triangles[inside.all(axis=1)] - members[0]


def _stack(shapes: list[np.ndarray], neutral: np.ndarray, used: np.ndarray) -> np.ndarray:
    deltas = [shape[used] - neutral[used] for shape in shapes]
    return np.stack(deltas) if deltas else np.zeros((0, len(used), 3))


def _deltas(positions: dict[str, np.ndarray], openings: Openings, topology: Topology) -> np.ndarray:
    """Motion of all vertices; blinks are completed so that the lids meet."""
    neutral = positions[NEUTRAL]
    deltas = np.zeros((len(MORPH_TARGETS), topology.count, 3))
    for delta, target in zip(deltas, MORPH_TARGETS, strict=True):
        for name in source_shapes(target):
            delta += positions[name] - neutral
    for shape in ("mouthRollUpper", "mouthRollLower"):
        inward = deltas[MORPH_TARGETS.index(shape), topology.groups["face"], 2]
        deltas[MORPH_TARGETS.index(shape), topology.groups["face"], 2] = np.maximum(inward, ROLL * inward)
    corners = neutral[[topology.eye[0], topology.eye[3]]]
    for side, sign in SIDES.items():
        blink = deltas[MORPH_TARGETS.index(f"eyeBlink{side.capitalize()}")]
        center = ball_center(neutral[topology.groups[f"eye_{side}"]])
        rings = openings.eye_left if side == "left" else openings.eye_right
        blink += shut_lids(neutral, blink, rings, center, corners * [sign, 1, 1])
    deltas[np.linalg.norm(deltas, axis=2) < STILL] = 0
    return deltas


def _hollow(neutral: np.ndarray, triangles: np.ndarray, topology: Topology) -> np.ndarray:
    """Occlusion (V,) of the skin by itself; 0 elsewhere."""
    skin = np.zeros(topology.count, bool)
    for group in ("face", "head"):
        skin[topology.groups[group]] = True
    faces = triangles[skin[triangles].all(axis=1)]
    a, b, c = (neutral[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals, areas = np.zeros_like(neutral), np.zeros(topology.count)
    for k in range(3):
        np.add.at(normals, faces[:, k], cross)
        np.add.at(areas, faces[:, k], np.linalg.norm(cross, axis=1) / 6)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)
    rows = np.flatnonzero(skin)
    hollow = np.zeros(topology.count)
    hollow[rows] = ambient_occlusion(neutral[rows], normals[rows], areas[rows], HOLLOW_RADIUS)
    return smoothstep(hollow, *HOLLOW)


class _Arrays:
    """The rig as it grows: skin and mouth first, then what is made for each eye."""

    def __init__(
        self,
        neutral: np.ndarray,
        faces: np.ndarray,
        deltas: np.ndarray,
        identities: np.ndarray,
        part: np.ndarray,
        colors: np.ndarray,
        masks: dict[str, np.ndarray],
    ) -> None:
        self.neutral, self.faces = [neutral], [faces]
        self.deltas, self.identities = [deltas], [identities]
        self.part, self.colors, self.masks = [part], [colors], [masks]

    def add_eye(
        self, side: str, sign: int, shell: np.ndarray, shapes: list[np.ndarray], faces: np.ndarray
    ) -> None:
        """The eyeball and its glint, with their motion and their places in every identity."""
        sclera = Sclera(shell, faces, sign)
        ball, center = sclera.ball(shell), ball_center(shell)
        spot, spot_faces = glint(ball, center)
        deltas = np.zeros((len(MORPH_TARGETS), len(ball.vertices), 3))
        for index, delta in gaze_deltas(ball.vertices, center, sign).items():
            deltas[index] = delta
        others = [sclera.ball(shape) for shape in shapes]
        spots = [glint(o, ball_center(s))[0] for o, s in zip(others, shapes, strict=True)]
        heights = ball.vertices[:, 1] - center[1]
        self._add(f"eye_{side}", ball.vertices, ball.faces, deltas, [o.vertices for o in others],
                  eye_masks(ball.angles, heights))  # fmt: skip
        self._add("catchlight", spot, spot_faces, np.zeros((len(MORPH_TARGETS), len(spot), 3)), spots, {})

    def _add(
        self,
        part: str,
        vertices: np.ndarray,
        faces: np.ndarray,
        deltas: np.ndarray,
        shapes: list[np.ndarray],
        masks: dict[str, np.ndarray],
    ) -> None:
        self.faces.append(faces + sum(len(block) for block in self.neutral))
        self.neutral.append(vertices)
        self.deltas.append(deltas)
        self.identities.append(_stack(shapes, vertices, np.arange(len(vertices))))
        self.part.append(np.full(len(vertices), PARTS.index(part), np.uint8))
        self.colors.append(np.full((len(vertices), 3), 0.8))
        self.masks.append(masks)

    def result(self) -> dict[str, np.ndarray]:
        sizes = [len(block) for block in self.neutral]
        names = sorted({name for block in self.masks for name in block})
        masks = {
            f"mask_{name}": np.concatenate(
                [block.get(name, np.zeros(size)) for block, size in zip(self.masks, sizes, strict=True)]
            ).astype(np.float32)
            for name in names
        }
        return {
            "neutral": np.concatenate(self.neutral).astype(np.float32),
            "faces": np.concatenate(self.faces).astype(np.int32),
            "colors": np.concatenate(self.colors).astype(np.float32),
            "part": np.concatenate(self.part),
            "deltas": np.concatenate(self.deltas, axis=1).astype(np.float32),
            "identities": np.concatenate(self.identities, axis=1).astype(np.float32),
            **masks,
        }
