"""Pictures of a face."""

from __future__ import annotations

import io

from emo3d_exp.exporters.request import ExportRequest


def png(request: ExportRequest) -> bytes:
    """A portrait of the face, (size, size) pixels."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(request.drawing().render(request.blendshapes)[0]).save(stream, format="PNG")
    return stream.getvalue()
