"""The 51 morph targets of the skin: the motion table spread smoothly over the mesh.

Motion is prescribed on lips, brows, lid margins and at the table's other points, is zero at the back,
the neck and a few points between, and is elsewhere the smoothest there is: it minimises the integral
of the squared Laplacian (a biharmonic surface), one sparse factorisation for all shapes. As the lips
share no triangle, and the lids neither, they part without further ado.
"""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.layout import Kind
from emo3d_exp.faces.builtin.lids import driven_margin, is_lid, lid_motion, lifted_over_eyeball
from emo3d_exp.faces.builtin.lips import driven_rows, lip_motion
from emo3d_exp.faces.builtin.mesh import cotangent_laplacian, mirrored
from emo3d_exp.faces.builtin.motion_table import MotionTable, gain, motion_table
from emo3d_exp.faces.builtin.skin import Skin
from emo3d_exp.vocab import MORPH_TARGETS

_STIFFNESS = 1e6
_STILL_POINTS = (
    (0.0, 0.0, 0.46), (0.13, -0.05, 0.4), (1.05, -0.05, 0.0), (1.1, -0.5, -0.3), (0.45, 1.2, 0.1),
    (0.9, 0.85, -0.1),
)  # fmt: skip
"""Points of the left half (and their mirror images) that no shape moves."""

_BROW_KNOTS = (0.05, 0.19, 0.60, 0.92, 1.10)


def _nearest(skin: Skin, point: np.ndarray, candidates: np.ndarray) -> int:
    index = np.flatnonzero(candidates)
    distance = np.linalg.norm((skin.vertices[index] - point) * [1, 1, 0.5], axis=1)
    return int(index[distance.argmin()])


def table_anchors(skin: Skin) -> dict[str, int]:
    """Vertex of each point of the table that is not on lips, lids or brows; mirrored in pairs."""
    free = _free(skin)
    names = [
        name
        for name in motion_table().rest
        if not any(word in name for word in ("lip", "lid", "mouth_corner", "eye_", "brow", "right"))
    ]
    anchors = {}
    for name in names:
        rest = motion_table().rest[name]
        on_seam = free & (skin.vertices[:, 0] == 0) if rest[0] == 0 else free
        anchors[name] = _nearest(skin, rest, on_seam)
        if name.endswith("left"):
            anchors[name.replace("left", "right")] = int(skin.mirror[anchors[name]])
    return anchors


def _free(skin: Skin) -> np.ndarray:
    lips = np.isin(skin.layout.kind, (Kind.UPPER_LIP, Kind.LOWER_LIP, Kind.MOUTH_CORNER))
    return ~lips & ~is_lid(skin.layout) & (np.cos(skin.layout.theta) > -0.05)


def _still(skin: Skin) -> np.ndarray:
    layout = skin.layout
    still = (np.cos(layout.theta) < -0.25) | (layout.v < -2.25) | (layout.v > 1.35)
    for point in _STILL_POINTS:
        candidates = _free(skin) & (skin.vertices[:, 0] == 0 if point[0] == 0 else True)
        vertex = _nearest(skin, np.array(point), candidates)
        still[[vertex, skin.mirror[vertex]]] = True
    return still


def _on_brow(skin: Skin) -> np.ndarray:
    x, y = np.abs(skin.vertices[:, 0]), skin.vertices[:, 1]
    near = np.abs(y - f.brow_line(x)) < 1.3 * np.maximum(f.brow_half_height(x), 0.02)
    return _free(skin) & near & (x > 0.13) & (x < 0.97)


def _brow_motion(skin: Skin, table: MotionTable, shape: str) -> np.ndarray:
    """Motion (V, 3) of the brows; all their rows move alike, or the painted brow would change width."""
    from scipy.interpolate import PchipInterpolator

    motion = np.zeros(skin.vertices.shape)
    x = skin.vertices[:, 0]
    for side, sign in (("left", 1), ("right", -1)):
        inner, mid, outer = (table.motion(shape, f"brow_{at}_{side}") for at in ("inner", "mid", "outer"))
        first = 0.8 * inner + 0.2 * table.motion(shape, "glabella")
        curve = PchipInterpolator(_BROW_KNOTS, np.array([first, inner, mid, outer, 0.6 * outer]))
        of = _on_brow(skin) & (np.sign(x) == sign)
        motion[of] = curve(np.abs(x[of]))
    return motion


def _prescribed(skin: Skin, shape: str, anchors: dict[str, int]) -> np.ndarray:
    """Motion (V, 3) where it is known; zero elsewhere."""
    table = motion_table()
    motion = np.zeros(skin.vertices.shape)
    for point, vertex in anchors.items():
        stiff = 0.6 if shape.startswith("noseSneer") and point.startswith("nose") else 1.0
        motion[vertex] = stiff * table.motion(shape, point)
    lips, brow, margin = driven_rows(skin.layout), _on_brow(skin), driven_margin(skin.layout)
    motion[lips] = lip_motion(skin.layout, skin.vertices, table, shape)[lips]
    motion[brow] = _brow_motion(skin, table, shape)[brow]
    motion *= gain(shape)
    motion[margin] = lid_motion(skin.layout, skin.vertices, shape)[margin]
    motion[_still(skin)] = 0.0
    return motion


def _solve(skin: Skin, prescribed: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Biharmonic interpolation of motions (S, V, 3) known at the marked vertices."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    laplacian, areas = cotangent_laplacian(skin.vertices, skin.faces, least=0.02)
    energy = laplacian.T @ diags(1 / areas) @ laplacian
    system = energy + diags(known * _STIFFNESS + 1e-8)
    right = (prescribed * known[:, None] * _STIFFNESS).transpose(1, 0, 2).reshape(len(known), -1)
    solution = splu(system.tocsc()).solve(right)
    return solution.reshape(len(known), len(prescribed), 3).transpose(1, 0, 2)


def skin_deltas(skin: Skin) -> np.ndarray:
    """Motion (51, V, 3) of the skin, in the order of the morph targets; pairs are exact mirror images."""
    anchors = table_anchors(skin)
    known = _still(skin) | _on_brow(skin) | driven_rows(skin.layout) | driven_margin(skin.layout)
    known[list(anchors.values())] = True
    solved = [name for name in MORPH_TARGETS if not name.endswith("Right")]
    prescribed = np.stack([_prescribed(skin, name, anchors) for name in solved])
    motions = dict(zip(solved, _solve(skin, prescribed, known.astype(float)), strict=True))
    for name, motion in list(motions.items()):
        if name.startswith("eye"):
            motions[name] = lifted_over_eyeball(skin.layout, skin.vertices, motion)
        if name.endswith("Left"):
            motions[name.removesuffix("Left") + "Right"] = mirrored(motions[name], skin.mirror)
        else:
            motions[name] = (motion + mirrored(motion, skin.mirror)) / 2
    return np.stack([motions[name] for name in MORPH_TARGETS])
