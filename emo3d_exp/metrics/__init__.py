"""The Emo3D metric and the blendshape errors: a functional core on arrays, torchmetrics shells over it.

Metrics receive features, never pictures, encoders or faces. ``functional`` needs numpy alone; the shells
pull in torch, so they are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from emo3d_exp.metrics.blendshapes import best_of_references, blendshape_errors
from emo3d_exp.metrics.divergence import (
    AGGREGATIONS,
    aggregate,
    emo3d_from_kl,
    jensen_shannon,
    kl_divergence,
)
from emo3d_exp.metrics.functional import emo3d_scores
from emo3d_exp.metrics.interval import Interval
from emo3d_exp.metrics.nearest import nearest_prompts, own_ranks
from emo3d_exp.metrics.retrieval import RECALLS, retrieval_scores
from emo3d_exp.metrics.samples import best_of, diversity, energy_score

if TYPE_CHECKING:
    from emo3d_exp.metrics.blendshape_mse import BlendshapeMSE
    from emo3d_exp.metrics.emo3d import Emo3DMetric

_SHELLS = {
    "BlendshapeMSE": "emo3d_exp.metrics.blendshape_mse",
    "Emo3DMetric": "emo3d_exp.metrics.emo3d",
}

__all__ = [
    "AGGREGATIONS",
    "RECALLS",
    "BlendshapeMSE",
    "Emo3DMetric",
    "Interval",
    "aggregate",
    "best_of",
    "best_of_references",
    "blendshape_errors",
    "diversity",
    "emo3d_from_kl",
    "emo3d_scores",
    "energy_score",
    "jensen_shannon",
    "kl_divergence",
    "nearest_prompts",
    "own_ranks",
    "retrieval_scores",
]


def __getattr__(name: str) -> type:
    if name in _SHELLS:
        return getattr(import_module(_SHELLS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
