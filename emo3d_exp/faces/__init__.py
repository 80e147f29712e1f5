"""Faces: rigs, pictures of them, and how emotions move them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.faces.animation import animate, write_gif, write_mp4
    from emo3d_exp.faces.builtin import HeadParts, build_head
    from emo3d_exp.faces.facs import FACSPrior
    from emo3d_exp.faces.gltf import read_gltf, write_gltf
    from emo3d_exp.faces.ict import ICTFaces, load_ict, load_ict_faces
    from emo3d_exp.faces.identity import Identity
    from emo3d_exp.faces.loading import load_rig
    from emo3d_exp.faces.lod import light_rig
    from emo3d_exp.faces.looks import AGES, BEARDS, GENDERS, HAIR_STYLES, Look
    from emo3d_exp.faces.people import random_look
    from emo3d_exp.faces.portraits import LIGHTS, VIEWS, portrait
    from emo3d_exp.faces.renderer import Renderer
    from emo3d_exp.faces.rig import PARTS, Eye, Rig
    from emo3d_exp.faces.shading import Light
    from emo3d_exp.faces.sheet import comparison_sheet, contact_sheet

_HOMES = {
    "animate": "animation",
    "write_gif": "animation",
    "write_mp4": "animation",
    "HeadParts": "builtin",
    "build_head": "builtin",
    "FACSPrior": "facs",
    "read_gltf": "gltf",
    "write_gltf": "gltf",
    "ICTFaces": "ict",
    "load_ict": "ict",
    "load_ict_faces": "ict",
    "Identity": "identity",
    "AGES": "looks",
    "BEARDS": "looks",
    "GENDERS": "looks",
    "HAIR_STYLES": "looks",
    "Look": "looks",
    "random_look": "people",
    "Renderer": "renderer",
    "PARTS": "rig",
    "Rig": "rig",
    "Eye": "rig",
    "load_rig": "loading",
    "light_rig": "lod",
    "LIGHTS": "portraits",
    "VIEWS": "portraits",
    "portrait": "portraits",
    "Light": "shading",
    "comparison_sheet": "sheet",
    "contact_sheet": "sheet",
}

__all__ = [
    "AGES",
    "BEARDS",
    "GENDERS",
    "HAIR_STYLES",
    "LIGHTS",
    "PARTS",
    "VIEWS",
    "Eye",
    "FACSPrior",
    "HeadParts",
    "ICTFaces",
    "Identity",
    "Light",
    "Look",
    "Renderer",
    "Rig",
    "animate",
    "build_head",
    "comparison_sheet",
    "contact_sheet",
    "light_rig",
    "load_ict",
    "load_ict_faces",
    "load_rig",
    "portrait",
    "random_look",
    "read_gltf",
    "write_gif",
    "write_gltf",
    "write_mp4",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
