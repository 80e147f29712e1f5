"""The 51 shapes without ``_neutral``, which is about 0 on any face, and the 52 with it."""

from __future__ import annotations

import torch
from torch import Tensor

from emo3d_exp.vocab import BLENDSHAPE_INDEX

NEUTRAL = BLENDSHAPE_INDEX["_neutral"]


def with_neutral(shapes: Tensor) -> Tensor:
    """(B, 51) in the order of ``MORPH_TARGETS`` → (B, 52) in that of ``BLENDSHAPES``, ``_neutral`` 0."""
    nothing = shapes.new_zeros(*shapes.shape[:-1], 1)
    return torch.cat([shapes[..., :NEUTRAL], nothing, shapes[..., NEUTRAL:]], dim=-1)


def without_neutral(blendshapes: Tensor) -> Tensor:
    """(B, 52) in the order of ``BLENDSHAPES`` → (B, 51) in that of ``MORPH_TARGETS``."""
    return torch.cat([blendshapes[..., :NEUTRAL], blendshapes[..., NEUTRAL + 1 :]], dim=-1)
