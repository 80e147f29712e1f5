"""Emo3D made runnable: from a description of an emotion to the 52 blendshapes of a 3D face.

>>> from emo3d_exp import load_predictor
>>> predict = load_predictor("outputs/…")          # doctest: +SKIP
>>> predict(["a faint, bitter smile"]).shape        # doctest: +SKIP
(1, 52)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo3d_exp.app.predictor import Predictor, load_predictor

__all__ = ["Predictor", "load_predictor"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from emo3d_exp.app import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
