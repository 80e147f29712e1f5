"""Builds data sets in stages that append rows by sample id and go on where they stopped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.assembling import AssembleTable
    from emo3d_exp.dataset_builder.data_card import CardFacts
    from emo3d_exp.dataset_builder.executors import LocalExecutor
    from emo3d_exp.dataset_builder.findings import Finding, Validation
    from emo3d_exp.dataset_builder.mini import (
        STAGES,
        MiniSettings,
        ensure_mini,
        is_built,
        mini_folder,
    )
    from emo3d_exp.dataset_builder.pipeline import run_stages
    from emo3d_exp.dataset_builder.planning import plan_stages
    from emo3d_exp.dataset_builder.published_layout import write_back
    from emo3d_exp.dataset_builder.published_source import PublishedSource
    from emo3d_exp.dataset_builder.publishing import push_to_hub
    from emo3d_exp.dataset_builder.stage import Stage
    from emo3d_exp.dataset_builder.store import RowStore
    from emo3d_exp.dataset_builder.validation import as_markdown, as_table, validate, write_validation

_MODULES = {
    "CardFacts": "data_card",
    "push_to_hub": "publishing",
    "Finding": "findings",
    "Validation": "findings",
    "as_table": "validation",
    "as_markdown": "validation",
    "write_validation": "validation",
    "validate": "validation",
    "write_back": "published_layout",
    "PublishedSource": "published_source",
    "AssembleTable": "assembling",
    "STAGES": "mini",
    "LocalExecutor": "executors",
    "MiniSettings": "mini",
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
    "AssembleTable",
    "CardFacts",
    "Finding",
    "LocalExecutor",
    "MiniSettings",
    "PublishedSource",
    "RowStore",
    "Stage",
    "Validation",
    "as_markdown",
    "as_table",
    "ensure_mini",
    "is_built",
    "mini_folder",
    "plan_stages",
    "push_to_hub",
    "run_stages",
    "validate",
    "write_back",
    "write_validation",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
