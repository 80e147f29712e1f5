"""Data sets as :class:`~emo3d_exp.records.Corpus`, their splits, and batches staged as tensors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.data.built_table import TableData, face_reasons, load_table
    from emo3d_exp.data.emo3d import Emo3DData, load_emo3d
    from emo3d_exp.data.images import image_reader, read_image
    from emo3d_exp.data.mapped_corpus import MappedCorpus
    from emo3d_exp.data.mapped_table import open_table
    from emo3d_exp.data.mini import MiniData, load_mini, mini_people
    from emo3d_exp.data.near_copies import near_copy_groups, near_copy_pairs
    from emo3d_exp.data.problems import Problem
    from emo3d_exp.data.prompting import prompts
    from emo3d_exp.data.splits import PublishedSplit, RandomSplit, Splits, Splitter
    from emo3d_exp.data.staging import TensorBatches
    from emo3d_exp.data.token_batches import TokenBatches
    from emo3d_exp.data.unpacking import UnpackLimits, unpack
    from emo3d_exp.data.writing import write_published_table

_MODULES = {
    "face_reasons": "built_table",
    "unpack": "unpacking",
    "UnpackLimits": "unpacking",
    "load_table": "built_table",
    "TableData": "built_table",
    "Emo3DData": "emo3d",
    "MappedCorpus": "mapped_corpus",
    "MiniData": "mini",
    "Problem": "problems",
    "PublishedSplit": "splits",
    "RandomSplit": "splits",
    "Splits": "splits",
    "Splitter": "splits",
    "TensorBatches": "staging",
    "TokenBatches": "token_batches",
    "image_reader": "images",
    "load_emo3d": "emo3d",
    "load_mini": "mini",
    "mini_people": "mini",
    "near_copy_groups": "near_copies",
    "near_copy_pairs": "near_copies",
    "open_table": "mapped_table",
    "prompts": "prompting",
    "read_image": "images",
    "write_published_table": "writing",
}

__all__ = [
    "Emo3DData",
    "MappedCorpus",
    "MiniData",
    "Problem",
    "PublishedSplit",
    "RandomSplit",
    "Splits",
    "Splitter",
    "TableData",
    "TensorBatches",
    "TokenBatches",
    "UnpackLimits",
    "face_reasons",
    "image_reader",
    "load_emo3d",
    "load_mini",
    "load_table",
    "mini_people",
    "near_copy_groups",
    "near_copy_pairs",
    "open_table",
    "prompts",
    "read_image",
    "unpack",
    "write_published_table",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
