"""The run folder: what a training leaves behind, and all that later tools need."""

from emo3d_exp.runs.files import write_atomically, write_json
from emo3d_exp.runs.folder import RunFolder, settings
from emo3d_exp.runs.locations import available_cores, cache_root
from emo3d_exp.runs.names import distinct_names
from emo3d_exp.runs.provenance import provenance

__all__ = [
    "RunFolder",
    "available_cores",
    "cache_root",
    "distinct_names",
    "provenance",
    "settings",
    "write_atomically",
    "write_json",
]
