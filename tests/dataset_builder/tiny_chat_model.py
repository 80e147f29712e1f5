"""A causal language model on disk that says one thing, whatever it is asked: weights set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def save_chat_model(folder: Path, says: Sequence[str] | None, template: bool = True) -> Path:
    """A GPT-2 of one layer.

    Args:
        says: tokens without spaces, all different, which it says one after the other, joined by spaces;
            None for random weights.
        template: give the tokenizer a chat template, as chat models have.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<unk>", "<end>", "<asked>", *(says or ("a", "b", "c"))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>")
    if template:
        fast.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}<asked>"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(words),
        n_positions=512,
        n_embd=64,
        n_layer=1,
        n_head=1,
        bos_token_id=1,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    model = GPT2LMHeadModel(config)
    if says is not None:
        _follow(model, len(words))
    model.save_pretrained(folder)
    return folder


def _follow(model: object, count: int) -> None:
    """Let every token be followed by the next one, and the last, as any that is not known, by the first."""
    import torch

    follower = {token: token + 1 for token in range(2, count - 1)} | {count - 1: 1, 0: 3, 1: 1}
    with torch.no_grad():
        for parameter in model.transformer.h.parameters():
            parameter.zero_()
        model.transformer.wpe.weight.zero_()
        model.transformer.wte.weight.copy_(torch.eye(count, 64))
        model.lm_head.weight.zero_()
        for token, following in follower.items():
            model.lm_head.weight[following, token] += 5.0
