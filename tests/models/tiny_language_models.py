"""Two-layer models of the classes behind backbone=bert_base, xlmr_base and glot500, on disk as the hub's are,
and texts whose order of words says what the face looks like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emo3d_exp.backbones import TransformersEncoder, Tuning
from emo3d_exp.data import TensorBatches, TokenBatches

WORDS = ["a", "the", "face", "smiles", "frowns", "with", "joy"]
FEELINGS = ["anger", "fear", "joy", "grief"]
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def save_bert(folder: Path, words: Sequence[str] = WORDS, positions: int = 24) -> None:
    """As the hub's BERT: the weights of the pre-training with its heads."""
    from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=positions, **SMALL)
    BertForPreTraining(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=positions).save_pretrained(folder)


def save_xlmr(folder: Path, words: Sequence[str] = WORDS, positions: int = 24) -> None:
    """As the hub's XLM-R and Glot500: a masked language model; the tokenizer knows no limit."""
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaTokenizerFast

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -2.0) for word in words] + [(letter, -9.0) for letter in "abcdefhijlmnorstwy▁"]
    config = XLMRobertaConfig(
        vocab_size=len(pieces) + 1,
        max_position_embeddings=positions + 2,
        type_vocab_size=1,
        pad_token_id=1,
        **SMALL,
    )
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    XLMRobertaTokenizerFast(vocab=pieces).save_pretrained(folder)


def trainable(folder: Path, pooling: str = "mean", **tuning: Any) -> TransformersEncoder:
    """The encoder of a folder, to be trained along."""
    return TransformersEncoder(
        "tiny", str(folder), pooling, False, 24, device="cpu", trainable=True, tuning=Tuning(**tuning)
    )


def order_task(count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts such as ``fear with joy``, and faces (N, 52) that show the first word far more than the second:
    who does not read the order is at best halfway between two faces."""
    prototypes = np.random.default_rng(5).random((len(FEELINGS), 52))
    rng = np.random.default_rng(seed)
    chosen = np.array([rng.permutation(len(FEELINGS))[:2] for _ in range(count)])
    texts = [" with ".join(FEELINGS[i] for i in row) for row in chosen]
    faces = prototypes[chosen[:, 0]] * 0.9 + prototypes[chosen[:, 1]] * 0.1
    return texts, faces.astype(np.float32)


def batches_of(
    encoder: TransformersEncoder,
    texts: list[str],
    faces: np.ndarray,
    batch_size: int = 32,
    seed: int | None = None,
) -> TokenBatches | TensorBatches:
    """One face a text; tokens where the encoder is to be trained, else embeddings."""
    rows = np.arange(len(texts))
    rest = {
        "blendshapes": faces,
        "emotions": faces[:, :8],
        "pairs": np.stack([rows, rows], axis=1),
        "batch_size": batch_size,
        "shuffle": seed is not None,
        "seed": seed or 0,
    }
    if encoder.trainable:
        return TokenBatches(encoder.token_rows(texts), **rest)
    return TensorBatches(encoder.encode_texts(texts), None, **rest)


def saved(folder: Path, save: Any = save_bert, seed: int = 0, **settings: Any) -> Path:
    """The folder, with a model whose random weights the seed decides."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, **settings)
    return folder
