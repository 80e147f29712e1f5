"""Faces for other programs: scores, rigs, movements, pictures."""

from emo3d_exp.exporters.formats import FORMATS, Format
from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.exporters.writing import Exported, checked_place, export, export_bytes

__all__ = ["FORMATS", "ExportRequest", "Exported", "Format", "checked_place", "export", "export_bytes"]
