"""Scoring of predictions: files, prompt bank, references, evaluator, reports, leaderboard.

Names are loaded on first use: pandas, torch and rich stay away until something is scored or shown.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emo3d_exp.evaluation.bank import BankSettings, PromptBank, select_bank
    from emo3d_exp.evaluation.evaluation import Evaluation
    from emo3d_exp.evaluation.evaluator import Evaluator
    from emo3d_exp.evaluation.intervals import bootstrap_interval
    from emo3d_exp.evaluation.leaderboard import Leaderboard, read_leaderboard
    from emo3d_exp.evaluation.looks import LookSettings
    from emo3d_exp.evaluation.predictions import Match, load_predictions, match, save_predictions
    from emo3d_exp.evaluation.references import REFERENCES, reference_faces
    from emo3d_exp.evaluation.report import write_report
    from emo3d_exp.evaluation.terminal import print_table

_MODULES = {
    "bank": ("BankSettings", "PromptBank", "select_bank"),
    "evaluation": ("Evaluation",),
    "evaluator": ("Evaluator",),
    "intervals": ("bootstrap_interval",),
    "leaderboard": ("Leaderboard", "read_leaderboard"),
    "looks": ("LookSettings",),
    "predictions": ("Match", "load_predictions", "match", "save_predictions"),
    "references": ("REFERENCES", "reference_faces"),
    "report": ("write_report",),
    "terminal": ("print_table",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "REFERENCES",
    "BankSettings",
    "Evaluation",
    "Evaluator",
    "Leaderboard",
    "LookSettings",
    "Match",
    "PromptBank",
    "bootstrap_interval",
    "load_predictions",
    "match",
    "print_table",
    "read_leaderboard",
    "reference_faces",
    "save_predictions",
    "select_bank",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
