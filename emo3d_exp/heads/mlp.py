"""Multi-layer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from emo3d_exp.heads.neutral import with_neutral
from emo3d_exp.records import N_BLENDSHAPES


def layers(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Linear layers through ``widths`` with ReLU and dropout after each."""
    blocks: list[nn.Module] = []
    for before, after in pairwise(widths):
        blocks += [nn.Linear(before, after), nn.ReLU()]
        if dropout > 0:
            blocks.append(nn.Dropout(dropout))
    return nn.Sequential(*blocks)


class MLPHead(nn.Module):
    """Embedding → blendshapes: hidden ReLU layers, then a linear layer with a sigmoid.

    The paper's baselines (section 4) use such a head on BERT, Glot500 and CLIP embeddings; the released
    CLIP baseline has hidden widths 256 and 128.

    Args:
        in_features: width D of the embedding.
        hidden: widths of the hidden layers.
        dropout: probability after each hidden layer, in [0, 1).
        out_features: number of blendshapes, ``_neutral`` counted.
        neutral: whether the network gives ``_neutral`` too; False: it gives the others, and ``_neutral``
            is 0, as in the released baselines.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        out_features: int = N_BLENDSHAPES,
        neutral: bool = True,
    ) -> None:
        super().__init__()
        widths = [in_features, *hidden]
        given = out_features if neutral else out_features - 1
        self.network = nn.Sequential(layers(widths, dropout), nn.Linear(widths[-1], given), nn.Sigmoid())
        self.neutral = neutral

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) → (B, 52) in (0, 1), ``_neutral`` 0 where the network does not give it."""
        scores = self.network(embedding)
        return scores if self.neutral else with_neutral(scores)
