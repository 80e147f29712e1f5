"""Files of a face to take away, in the formats of the exporters."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emo3d_exp.exporters import FORMATS, ExportRequest, export_bytes
from emo3d_exp.faces import Rig

PORTRAIT_SIZE = 1024
MOVIE_SIZE = 512
"""Pixels per side of GIF and MP4."""
MOVIE_SECONDS = 10.0
"""Length of GIF and MP4, roughly and at most: a whole history must fit into memory."""

LABELS: dict[str, str] = {
    "arkit_json": "ARKit scores (JSON)",
    "livelink_csv": "Live Link Face (CSV)",
    "livelink_animation": "Live Link Face, moving (CSV)",
    "gltf": "Rig with this face set (glTF)",
    "gltf_animation": "Rig, moving (glTF)",
    "gltf_posed": "This face as a mesh (glTF)",
    "obj": "This face as a mesh (OBJ)",
    "png": "Portrait (PNG)",
    "gif": "Moving pictures (GIF)",
    "mp4": "Video (MP4)",
}
"""What the buttons say; a format that is not here shows what it says of itself."""

MOVIES = frozenset({"gif", "mp4"})
MOVING = MOVIES | {"livelink_animation", "gltf_animation"}
"""Formats that can pass through several faces."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Saved:
    """What a visitor has in front of them: texts and their ``(52,)`` faces, the present one last; the rig."""

    texts: Sequence[str]
    faces: Sequence[np.ndarray]
    rig: Rig


def label_of(name: str) -> str:
    """What the button of a format says."""
    return LABELS.get(name) or f"{name}: {FORMATS[name].about}"


def file_of(name: str, saved: Saved) -> tuple[str, bytes]:
    """Name and content of a file of the format ``name``: formats that move hold all faces, others the last.

    One file is made at a time, whoever asks: pictures of a movement take seconds, and hundreds of MB.

    Raises:
        Emo3DError: the rig does not fit the format.
    """
    first = 0 if name in MOVING else len(saved.faces) - 1
    texts = list(saved.texts[first:])
    request = ExportRequest(np.stack(saved.faces[first:]), saved.rig, captions=texts, size=PORTRAIT_SIZE)
    if name in MOVIES:
        seconds = min(request.seconds, MOVIE_SECONDS / len(texts))
        request = replace(request, size=MOVIE_SIZE, seconds=seconds)
    with _one_at_a_time:
        made = export_bytes(name, request)
    return file_name(texts[-1], name, made.suffix), made.content


def file_name(text: str, format: str, suffix: str) -> str:
    """A name that every system takes: words of the text in ASCII, or ``face``, and the format.

    >>> file_name("A faint, bitter smile!", "png", ".png")
    'a_faint_bitter_smile.png'
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    stem = "_".join(words)[:48].strip("_") or "face"
    same_suffix = sum(kind.suffix == suffix for kind in FORMATS.values()) > 1
    return f"{stem}_{format}{suffix}" if same_suffix else stem + suffix
