"""A data set in tables and figures, as the paper gives them for its own."""

from emo3d_exp.dataset_builder.report.analysis import Analysis, analyse
from emo3d_exp.dataset_builder.report.files import write_report

__all__ = ["Analysis", "analyse", "write_report"]
