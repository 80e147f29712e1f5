"""The posed mesh as Wavefront OBJ."""

from __future__ import annotations

import io

import numpy as np

from emo3d_exp.exporters.request import ExportRequest


def obj(request: ExportRequest) -> bytes:
    """Vertices with colours (``v x y z r g b``, sRGB in [0, 1]), smooth normals, triangles.

    The colours are the extension that Blender, MeshLab and ZBrush read; others ignore them.
    """
    from emo3d_exp.faces.shading import NormalField, to_display

    rig = request.needed_rig()
    vertices = rig.vertices(request.blendshapes)[0]
    normals = NormalField(rig.faces, len(vertices))(vertices)
    text = io.StringIO()
    for caption in request.captions:
        # a backslash at the end of a line would take the next one into the comment
        text.writelines("# " + line.rstrip("\\") + "\n" for line in caption.splitlines())
    text.write("o face\n")
    np.savetxt(text, np.c_[vertices, to_display(request.colors())], fmt="v %.7g %.7g %.7g %.4f %.4f %.4f")
    np.savetxt(text, normals, fmt="vn %.4f %.4f %.4f")
    np.savetxt(text, (rig.faces + 1).repeat(2, axis=1), fmt="f %d//%d %d//%d %d//%d")
    return text.getvalue().encode()
