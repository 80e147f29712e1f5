"""ARKit scores as JSON: the 52 blend shape locations by Apple's names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.vocab import ARKIT_NAMES, BLENDSHAPE_INDEX


def arkit_json(request: ExportRequest) -> bytes:
    """One face as an object ``{name: score}``; several as a list of objects.

    An object of the list has ``blendshapes`` and, where they are known, ``sample_id``, ``text_number`` and
    ``text``. ``tongueOut``, which nothing here predicts, is 0; ``_neutral`` is no ARKit name and is left out.
    """
    faces = [_by_name(face) for face in request.blendshapes]
    content: Any = faces[0]
    if len(faces) > 1:
        content = [{**_labels(request, row), "blendshapes": face} for row, face in enumerate(faces)]
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _by_name(face: np.ndarray) -> dict[str, float]:
    # The shortest decimal number that is the float32 again, instead of the 17 digits of its float64.
    return {
        name: float(str(face[BLENDSHAPE_INDEX[name]])) if name in BLENDSHAPE_INDEX else 0.0
        for name in ARKIT_NAMES
    }


def _labels(request: ExportRequest, row: int) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    if request.sample_id is not None:
        labels["sample_id"] = int(request.sample_id[row])
    if request.text_number is not None:
        labels["text_number"] = int(request.text_number[row])
    if request.captions:
        labels["text"] = request.captions[row]
    return labels
