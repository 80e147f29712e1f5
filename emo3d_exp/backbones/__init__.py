"""Encoders of text and images, the cache of what they computed, and language models to train along.

Importing this package imports neither torch nor any model library; they come with the first encoding.
"""

from emo3d_exp.backbones.cache import EmbeddingCache
from emo3d_exp.backbones.encoder import Encoder
from emo3d_exp.backbones.face_clip import (
    build_face_clip,
    export_face_clip,
    face_clip_metadata,
    resize_faces,
    to_pixels,
)
from emo3d_exp.backbones.open_clip_encoder import OpenCLIPEncoder
from emo3d_exp.backbones.stored_rows import StoredRows
from emo3d_exp.backbones.transformers_encoder import TransformersEncoder
from emo3d_exp.backbones.tuning import Tuning

__all__ = [
    "EmbeddingCache",
    "Encoder",
    "OpenCLIPEncoder",
    "StoredRows",
    "TransformersEncoder",
    "Tuning",
    "build_face_clip",
    "export_face_clip",
    "face_clip_metadata",
    "resize_faces",
    "to_pixels",
]
