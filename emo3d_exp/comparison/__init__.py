"""Runs beside each other, without the cloud: settings that differ, metrics, curves, what mattered.

Names are loaded on first use, so that the command line answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emo3d_exp.comparison.collecting import read_runs
    from emo3d_exp.comparison.expression import filtered
    from emo3d_exp.comparison.grouping import Grouping, grouped
    from emo3d_exp.comparison.run import Run
    from emo3d_exp.comparison.table import Comparison, compare
    from emo3d_exp.comparison.text import print_comparison
    from emo3d_exp.comparison.wandb_file import WandbRun, read_wandb_file
    from emo3d_exp.comparison.writing import write_comparison

_MODULES = {
    "collecting": ("read_runs",),
    "expression": ("filtered",),
    "grouping": ("Grouping", "grouped"),
    "run": ("Run",),
    "table": ("Comparison", "compare"),
    "text": ("print_comparison",),
    "wandb_file": ("WandbRun", "read_wandb_file"),
    "writing": ("write_comparison",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Comparison",
    "Grouping",
    "Run",
    "WandbRun",
    "compare",
    "filtered",
    "grouped",
    "print_comparison",
    "read_runs",
    "read_wandb_file",
    "write_comparison",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
