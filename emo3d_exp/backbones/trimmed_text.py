"""CLIP's text tower without its padding.

The tower reads 77 positions whatever the text's length, but it is causal and its answer stands at the end
token: what follows that token cannot change it. A batch is therefore cut after its longest text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def can_trim(model: nn.Module) -> bool:
    """Whether the model is a plain causal CLIP that pools at the token with the highest number."""
    import open_clip
    import torch

    return (
        isinstance(model, open_clip.CLIP)
        and getattr(model, "text_pool_type", None) == "argmax"
        and getattr(model, "attn_mask", None) is not None
        and isinstance(model.text_projection, torch.Tensor)
    )


def encode_trimmed(model: nn.Module, tokens: Tensor) -> Tensor:
    """As ``model.encode_text``: (B, L) tokens → (B, D), at the cost of the longest text in the batch."""
    ends = tokens.argmax(dim=-1)
    length = int(ends.max()) + 1
    hidden = model.token_embedding(tokens[:, :length]) + model.positional_embedding[:length]
    hidden = model.transformer(hidden, attn_mask=model.attn_mask[:length, :length])
    at_end = model.ln_final(hidden)[range(len(ends)), ends]
    return at_end @ model.text_projection
