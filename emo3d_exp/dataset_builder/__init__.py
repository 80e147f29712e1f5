"""Builds data sets in stages that append rows by sample id and go on where they stopped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.assembling import AssembleTable
    from emo3d_exp.dataset_builder.copies import SetAsideCopies
    from emo3d_exp.dataset_builder.data_card import CardFacts
    from emo3d_exp.dataset_builder.diffusers_images import DiffusersImages
    from emo3d_exp.dataset_builder.endpoint_images import EndpointImages
    from emo3d_exp.dataset_builder.executors import LocalExecutor
    from emo3d_exp.dataset_builder.findings import Finding, Validation
    from emo3d_exp.dataset_builder.folder_images import FolderImages
    from emo3d_exp.dataset_builder.landmarker_scores import FaceLandmarkerScores
    from emo3d_exp.dataset_builder.lexicons import LexiconEmotions, PrimitiveEmotions, PrimitiveTexts
    from emo3d_exp.dataset_builder.llm import HuggingFaceChat, LLMEmotions, LLMTexts, OpenAIChat
    from emo3d_exp.dataset_builder.mini import STAGES, MiniSettings, ensure_mini, is_built, mini_folder
    from emo3d_exp.dataset_builder.offline_stages import OfflineEmotions, OfflineTexts
    from emo3d_exp.dataset_builder.pipeline import run_stages
    from emo3d_exp.dataset_builder.planning import plan_stages
    from emo3d_exp.dataset_builder.published_layout import write_back
    from emo3d_exp.dataset_builder.published_source import PublishedSource
    from emo3d_exp.dataset_builder.publishing import push_to_hub
    from emo3d_exp.dataset_builder.ray_executor import RayExecutor
    from emo3d_exp.dataset_builder.rendered_images import PriorBlendshapes, RenderedImages
    from emo3d_exp.dataset_builder.screening import ScreeningStage
    from emo3d_exp.dataset_builder.stage import Stage
    from emo3d_exp.dataset_builder.store import RowStore
    from emo3d_exp.dataset_builder.validation import as_markdown, as_table, validate, write_validation

_MODULES = {
    "STAGES": "mini",
    "AssembleTable": "assembling",
    "CardFacts": "data_card",
    "DiffusersImages": "diffusers_images",
    "EndpointImages": "endpoint_images",
    "FaceLandmarkerScores": "landmarker_scores",
    "Finding": "findings",
    "FolderImages": "folder_images",
    "HuggingFaceChat": "llm",
    "LLMEmotions": "llm",
    "LLMTexts": "llm",
    "LexiconEmotions": "lexicons",
    "LocalExecutor": "executors",
    "MiniSettings": "mini",
    "OfflineEmotions": "offline_stages",
    "OfflineTexts": "offline_stages",
    "OpenAIChat": "llm",
    "PrimitiveEmotions": "lexicons",
    "PrimitiveTexts": "lexicons",
    "PriorBlendshapes": "rendered_images",
    "PublishedSource": "published_source",
    "RayExecutor": "ray_executor",
    "RenderedImages": "rendered_images",
    "RowStore": "store",
    "ScreeningStage": "screening",
    "SetAsideCopies": "copies",
    "Stage": "stage",
    "Validation": "findings",
    "as_markdown": "validation",
    "as_table": "validation",
    "ensure_mini": "mini",
    "is_built": "mini",
    "mini_folder": "mini",
    "plan_stages": "planning",
    "push_to_hub": "publishing",
    "run_stages": "pipeline",
    "validate": "validation",
    "write_back": "published_layout",
    "write_validation": "validation",
}

__all__ = [
    "STAGES",
    "AssembleTable",
    "CardFacts",
    "DiffusersImages",
    "EndpointImages",
    "FaceLandmarkerScores",
    "Finding",
    "FolderImages",
    "HuggingFaceChat",
    "LLMEmotions",
    "LLMTexts",
    "LexiconEmotions",
    "LocalExecutor",
    "MiniSettings",
    "OfflineEmotions",
    "OfflineTexts",
    "OpenAIChat",
    "PrimitiveEmotions",
    "PrimitiveTexts",
    "PriorBlendshapes",
    "PublishedSource",
    "RayExecutor",
    "RenderedImages",
    "RowStore",
    "ScreeningStage",
    "SetAsideCopies",
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
