"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters.arkit import arkit_json
from emo3d_exp.exporters.gltf import gltf, gltf_animation, gltf_posed
from emo3d_exp.exporters.live_link import live_link_animation, live_link_csv
from emo3d_exp.exporters.pictures import gif, mp4, png
from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.exporters.wavefront import obj


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        encode: request → the file's content.
        suffix: of its name, with the dot. mime: its media type. about: what is in it, in one line.
        faces: "one" or "many" in a file. rig: it shows a rig. fps: frames a second where none are given.
    """

    encode: Callable[[ExportRequest], bytes]
    suffix: str
    mime: str
    about: str
    faces: str = "many"
    rig: bool = True
    fps: float = 30.0


FORMATS: dict[str, Format] = {
    "arkit_json": Format(arkit_json, ".json", "application/json", "52 scores by ARKit's names", rig=False),
    "livelink_csv": Format(
        live_link_csv, ".csv", "text/csv", "Live Link Face, one frame a face", rig=False, fps=60.0
    ),
    "livelink_animation": Format(
        live_link_animation, ".csv", "text/csv", "Live Link Face, the movement", rig=False, fps=60.0
    ),
    "gltf": Format(gltf, ".glb", "model/gltf-binary", "the rig, its 51 targets, weights set", faces="one"),
    "gltf_animation": Format(gltf_animation, ".glb", "model/gltf-binary", "the rig and the movement"),
    "gltf_posed": Format(gltf_posed, ".glb", "model/gltf-binary", "the posed mesh alone", faces="one"),
    "obj": Format(obj, ".obj", "model/obj", "the posed mesh with vertex colours", faces="one"),
    "png": Format(png, ".png", "image/png", "a portrait", faces="one"),
    "gif": Format(gif, ".gif", "image/gif", "the movement in pictures", fps=25.0),
    "mp4": Format(mp4, ".mp4", "video/mp4", "the movement as video", fps=25.0),
}


def format_of(name: str) -> Format:
    """The format of a name. Raises ConfigError, with the names that exist, for another."""
    if name not in FORMATS:
        raise ConfigError(f"unknown format '{name}': choose {', '.join(FORMATS)}")
    return FORMATS[name]
