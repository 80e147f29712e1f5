"""The run folder: what a training leaves behind, and all that later tools need."""

from emo3d_exp.runs.files import write_atomically, write_json
from emo3d_exp.runs.folder import RunFolder, settings
from emo3d_exp.runs.job import JobRecord, read_job, read_jobs
from emo3d_exp.runs.locations import CORES, available_cores, cache_root
from emo3d_exp.runs.names import distinct_names
from emo3d_exp.runs.provenance import provenance

__all__ = [
    "CORES",
    "JobRecord",
    "RunFolder",
    "available_cores",
    "cache_root",
    "distinct_names",
    "provenance",
    "read_job",
    "read_jobs",
    "settings",
    "write_atomically",
    "write_json",
]
