"""The two simple systems that every benchmark needs: ridge regression, and the nearest training text."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from emo3d_exp.heads import NearestHead, RidgeHead
from emo3d_exp.models.base import FaceSystem
from emo3d_exp.models.registry import register_model


class ClosedForm(FaceSystem):
    """A system that is fitted at once, without gradient steps: it has no loss and no optimizer.

    Args:
        head: embedding → 52, with a method ``fit``.
    """

    head: RidgeHead | NearestHead

    def fit_closed_form(self, train: Mapping[str, Tensor], val: Mapping[str, Tensor]) -> None:
        """Fit to all training pairs; ``val`` may decide a setting, such as ridge's penalty.

        Args:
            train, val: ``text`` (N, D) and ``blendshapes`` (N, 52).
        """
        self.head.fit(train["text"], train["blendshapes"], val["text"], val["blendshapes"])

    def from_text(self, text: Tensor) -> Tensor:
        return self.head(text)


@register_model("ridge")
class Ridge(ClosedForm):
    """Ridge regression from the text embedding.

    Args:
        head: the regression.
    """

    def __init__(self, head: RidgeHead) -> None:
        super().__init__(head)


@register_model("nearest")
class Nearest(ClosedForm):
    """The face of the nearest training text.

    Args:
        head: the bank of texts and faces.
    """

    def __init__(self, head: NearestHead) -> None:
        super().__init__(head)
