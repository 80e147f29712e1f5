"""From the vectors of a text's tokens to one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

POOLINGS = ("mean", "cls", "max")


def checked_pooling(pooling: str) -> str:
    """``pooling`` itself. Raises ConfigError for an unknown one."""
    if pooling not in POOLINGS:
        raise ConfigError(f"backbone.pooling={pooling!r}: one of {', '.join(POOLINGS)}")
    return pooling


def pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """One vector a text: (B, L, D) hidden states and (B, L) mask (1 token, 0 padding) → (B, D).

    ``mean`` and ``max`` run over the tokens that are not padding; ``cls`` takes the first token.
    """
    if checked_pooling(pooling) == "cls":
        return hidden[:, 0]
    kept = mask.unsqueeze(-1)
    if pooling == "max":
        return hidden.masked_fill(kept == 0, -float("inf")).amax(dim=1)
    return (hidden * kept).sum(dim=1) / kept.sum(dim=1)


def pooled_embedding(
    module: nn.Module, tokens: Mapping[str, Tensor], pooling: str, normalize: bool
) -> Tensor:
    """``input_ids`` and ``attention_mask`` (B, L) through a transformers model: (B, D) float32, of length 1
    where ``normalize`` says so. Pooled in float32, whatever the precision of the model."""
    from torch.nn import functional

    mask = tokens["attention_mask"]
    hidden = module(input_ids=tokens["input_ids"], attention_mask=mask)[0]
    pooled = pool(hidden.float(), mask, pooling)
    return functional.normalize(pooled, dim=-1) if normalize else pooled
