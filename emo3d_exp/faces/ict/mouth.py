"""What lies behind the lips: teeth, gums, tongue and the dark of the mouth.

The toolkit's gums end in deep points between the teeth, which from afar look like fangs through a lip; so
the line of the gums is painted, over teeth and gums alike, instead of taken from the meshes.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from emo3d_exp.faces.ict.topology import NEUTRAL, Topology
from emo3d_exp.faces.identity import smoothstep
from emo3d_exp.faces.paint import ENAMEL, GUMS
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.faces.shading import to_linear

BAG, TONGUE = (0.16, 0.035, 0.035), (0.42, 0.13, 0.13)
"""Linear colours of what looks do not paint."""

THROAT, THROAT_LIGHT = (-0.45, 0.2), 0.25
"""Between these z the light fades to this share."""

GUM_LINE, SCALLOP = {"upper": -0.955, "lower": -1.275}, 0.03
"""Height at which the gums end in the middle of a tooth, and over how much they turn into teeth."""

FOOT = (0.045, 0.015)
"""Gums this far from a tooth, and this near, are and are not gums where teeth should show."""

SHADED, DARK = (0.08, 0.50), (0.24, 0.52)
"""Behind the foremost tooth: where teeth lie in the shade of the lips, and where they sink in the dark."""

BRIGHTER = 1.5
"""The dark part of the mouth gets less light than painted teeth (``LIGHT_BY_PART``); this makes up for it."""

MOVES = 0.1
"""The lower jaw is what jawOpen moves further than this."""


def mouth_parts(
    positions: dict[str, np.ndarray], used: np.ndarray, topology: Topology
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Part (U,), linear colours (U, 3), and the masks ``gums`` and ``teeth_shade`` of the vertices ``used``.

    Teeth and gums in front are painted by looks; those further back count as the mouth's dark inside, with
    a colour of their own that goes on from the painted one.
    """
    vertices = positions[NEUTRAL][used]
    jaw = np.linalg.norm((positions["jawOpen"] - positions[NEUTRAL])[used], axis=1)
    part, colors = np.zeros(len(used), np.uint8), np.full((len(used), 3), 0.5)
    members = {
        name: np.isin(used, topology.groups[name]) for name in ("mouth_socket", "gums_tongue", "teeth")
    }
    part[members["mouth_socket"]], colors[members["mouth_socket"]] = PARTS.index("mouth_bag"), BAG
    tongue = members["gums_tongue"] & _tongue(vertices)
    part[tongue], colors[tongue] = PARTS.index("tongue"), TONGUE
    hard = (members["gums_tongue"] | members["teeth"]) & ~tongue
    behind = vertices[members["teeth"], 2].max() - vertices[:, 2]
    gums = np.where(hard, _gums(vertices, members["teeth"], jaw > MOVES), 0)
    shade = np.where(hard, smoothstep(behind, *SHADED), 0)
    part[hard] = np.where(behind[hard] < DARK[0], PARTS.index("teeth"), PARTS.index("mouth_bag"))
    colors[hard] = _hard(gums[hard], shade[hard], smoothstep(behind[hard], *DARK))
    fade = THROAT_LIGHT + (1 - THROAT_LIGHT) * smoothstep(vertices[:, 2], *THROAT)
    colors *= np.where(part == 0, 1, fade)[:, None]
    return part, colors, {"gums": gums, "teeth_shade": shade * (1 - gums)}


def _tongue(vertices: np.ndarray) -> np.ndarray:
    x, y, z = vertices.T
    return (np.abs(x) < 0.27) & (y < -1.06) & (z < 0.16)


def _gums(vertices: np.ndarray, teeth: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(U,) in [0, 1]: 1 beyond the line of the gums, and on gums far from any tooth."""
    y = vertices[:, 1]
    beyond = np.where(lower, GUM_LINE["lower"] - y, y - GUM_LINE["upper"])
    away, _ = cKDTree(vertices[teeth]).query(vertices)
    return np.maximum(smoothstep(beyond, -SCALLOP, SCALLOP), ~teeth * smoothstep(away, *FOOT[::-1]))


def _hard(gums: np.ndarray, shade: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """Linear colours (N, 3) of teeth and gums, as looks paint them, sinking into the mouth's."""
    enamel = np.array(ENAMEL) * (1 - 0.5 * shade[:, None])
    painted = np.minimum(BRIGHTER * to_linear(enamel + gums[:, None] * (np.array(GUMS) - enamel)), 1)
    return painted + dark[:, None] * (0.6 * np.array(BAG) - painted)
