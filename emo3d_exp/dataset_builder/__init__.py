"""Builds data sets in stages that append rows by sample id and go on where they stopped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.executors import LocalExecutor
    from emo3d_exp.dataset_builder.lexicons import LexiconEmotions, PrimitiveEmotions, PrimitiveTexts
    from emo3d_exp.dataset_builder.mini import (
        STAGES,
        MiniSettings,
        ensure_mini,
        is_built,
        mini_folder,
    )
    from emo3d_exp.dataset_builder.pipeline import run_stages
    from emo3d_exp.dataset_builder.planning import plan_stages
    from emo3d_exp.dataset_builder.stage import Stage
    from emo3d_exp.dataset_builder.store import RowStore

_MODULES = {
    "STAGES": "mini",
    "LexiconEmotions": "lexicons",
    "LocalExecutor": "executors",
    "MiniSettings": "mini",
    "PrimitiveEmotions": "lexicons",
    "PrimitiveTexts": "lexicons",
    "RowStore": "store",
    "Stage": "stage",
    "ensure_mini": "mini",
    "is_built": "mini",
    "mini_folder": "mini",
    "plan_stages": "planning",
    "run_stages": "pipeline",
}

__all__ = [
    "STAGES",
    "LexiconEmotions",
    "LocalExecutor",
    "MiniSettings",
    "PrimitiveEmotions",
    "PrimitiveTexts",
    "RowStore",
    "Stage",
    "ensure_mini",
    "is_built",
    "mini_folder",
    "plan_stages",
    "run_stages",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
