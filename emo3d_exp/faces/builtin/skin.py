"""The skin at rest: layout, triangles and form, exactly mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emo3d_exp.faces.builtin import features as f
from emo3d_exp.faces.builtin.falloff import ramp
from emo3d_exp.faces.builtin.layout import Kind, Layout, half_layout
from emo3d_exp.faces.builtin.lids import is_lid, place_lids
from emo3d_exp.faces.builtin.lips import place_lips
from emo3d_exp.faces.builtin.mesh import mirror_half, smoothed, triangulate
from emo3d_exp.faces.builtin.nose import with_nose
from emo3d_exp.faces.builtin.profile import bare_head, frontness
from emo3d_exp.faces.builtin.sculpt import relief

_SMOOTHING = 0.00035


@dataclass(frozen=True)
class Skin:
    """Both halves of the skin; ``layout.theta`` is negative on the subject's right.

    ``vertices`` (V, 3), ``faces`` (T, 3) counter-clockwise from outside, ``mirror`` (V,) the index of
    each vertex's mirror image.
    """

    layout: Layout
    vertices: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray


def build_skin() -> Skin:
    """Lay out, form, smooth and mirror the skin."""
    layout = half_layout()
    faces = triangulate(layout)
    seam = (layout.theta < 1e-6) | (layout.theta > np.pi - 1e-6)
    points = _formed(layout)
    points[:, 2] = _faired(layout, points, faces)
    points[seam, 0] = 0.0
    source, faces, mirror = mirror_half(seam, faces)
    left = np.arange(len(source)) < len(seam)
    layout, vertices = layout.take(source), points[source]
    vertices[~left, 0] *= -1
    layout.theta[~left] *= -1
    return Skin(layout, vertices, faces, mirror)


def _formed(layout: Layout) -> np.ndarray:
    points = bare_head(layout.theta, layout.v_surface)
    x, y, z = points.T
    face = z + relief(x, y)
    points[:, 2] += frontness(layout.theta) * (with_nose(x, y, face) - z)
    place_lips(layout, points)
    place_lids(layout, points)
    return points


def _faired(layout: Layout, points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """z smoothed over the face, but not at the lips, the margins of the lids and behind."""
    smooth = smoothed(points[:, 2], points, faces, _SMOOTHING)
    lips = np.isin(layout.kind, (Kind.UPPER_LIP, Kind.LOWER_LIP, Kind.MOUTH_CORNER))
    x, y = points[:, 0], points[:, 1]
    corner = np.hypot(x - f.MOUTH_HALF_WIDTH, y - f.mouth_line(f.MOUTH_HALF_WIDTH))
    share = np.where(is_lid(layout), ramp(layout.ring, 0.06, 0.09), 1.0) * np.where(lips, 0.0, 1.0)
    share = share * ramp(corner, 0.03, 0.09) * frontness(layout.theta) * (layout.theta < 1.2)
    return points[:, 2] + share * (smooth - points[:, 2])
