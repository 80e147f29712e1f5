"""ICT-FaceKit, the morphable face model of USC's Institute for Creative Technologies, as a rig."""

from emo3d_exp.faces.ict.model import ICTFaces, load_ict, load_ict_faces

__all__ = ["ICTFaces", "load_ict", "load_ict_faces"]
